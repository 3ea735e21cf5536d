// The tools of the bench's workload: about 300 B in and out, no latency of their own but for `slow` and `hash`.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

const anything = { type: 'object', additionalProperties: true };

/** Bytes that this process has handed to the system, to files and to sockets. */
const written = () => Number(/^wchar: (\d+)/m.exec(readFileSync('/proc/self/io', 'utf8'))?.[1]);

const KILOBYTE = 'x'.repeat(1000);
const BLOCK = Buffer.alloc(1 << 20, 'x');
/** About 20 ms of one core. */
const BLOCKS = 32;

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
    name: 'slow',
    description: 'takes its time, and holds its place meanwhile',
    parameters: anything,
    effect: 'pure',
    run: ({ ms }) => new Promise((resolve) => setTimeout(() => resolve({ ms }), ms)),
  },
  {
    name: 'hash',
    description: 'keeps a core busy',
    parameters: anything,
    effect: 'pure',
    run: () => {
      const hash = createHash('sha256');
      for (let i = 0; i < BLOCKS; i++) hash.update(BLOCK);
      return { hash: hash.digest('hex') };
    },
  },
  {
    name: 'process_figures',
    description: 'tells the time and the bytes that its process has written, in a kilobyte',
    parameters: anything,
    effect: 'pure',
    run: () => ({ pad: KILOBYTE, at_ms: performance.now(), written: written() }),
  },
];
