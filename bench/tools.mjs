// The tools of the bench's workload: about 300 B in and out, no latency of their own.
import { readFileSync } from 'node:fs';

const anything = { type: 'object', additionalProperties: true };

/** Bytes of anonymous resident memory: a mapped file is not counted. */
const rssAnon = () =>
  1024 * Number(/^RssAnon:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? 0);

const echo = (effect) => ({
  name: `echo_${effect}`,
  description: 'gives back what it was given',
  parameters: anything,
  effect,
  ...(effect === 'compensatable' ? { compensation: 'echo_idempotent' } : {}),
  run: (parameters) => ({ ok: true, echo: parameters }),
});

export const tools = [
  ...['pure', 'idempotent', 'compensatable', 'irreversible'].map(echo),
  {
    name: 'memory',
    description: 'collects garbage (when the process allows it) and tells the resident bytes',
    parameters: anything,
    effect: 'pure',
    run: () => {
      for (let i = 0; i < 3; i++) globalThis.gc?.();
      return { rss_anon: rssAnon(), collected: typeof globalThis.gc === 'function' };
    },
  },
];
