import {
  type Problem,
  type SessionStatus,
  type SessionView,
  type Submission,
  type Timeline,
  isTerminal,
} from '#contracts';
import { eventually, tempDir } from '#testing';
import { readSettings } from '../../../src/config/index.js';
import { startRuntime } from '../../../src/runtime.js';

interface Gate {
  open: boolean;
  waiting: Set<() => void>;
}

/** Where `at_gate` waits (tools.mjs); one for the process, so tests that use it close it again. */
export const gate = ((globalThis as { dormouseTestGate?: Gate }).dormouseTestGate ??= {
  open: false,
  waiting: new Set(),
});
export const openGate = (): void => {
  gate.open = true;
  for (const pass of gate.waiting) pass();
  gate.waiting.clear();
};
export const closeGate = (): void => {
  gate.open = false;
};

export interface Answer<T = unknown> {
  status: number;
  headers: Headers;
  body: T;
}

/** The whole application in this process, on a port and a folder of its own. */
export interface Booted {
  url: string;
  call<T = unknown>(method: string, path: string, init?: CallInit): Promise<Answer<T>>;
  submit(body: Submission, headers?: Record<string, string>): Promise<SessionView>;
  /** waits until the session is in this status */
  reaches(id: string, status: SessionStatus): Promise<SessionView>;
  /** waits until the session has ended */
  ended(id: string): Promise<SessionView>;
  timeline(id: string): Promise<Timeline>;
  close(): Promise<void>;
  /** leaves tools at the gate */
  closeWithoutOpening(): Promise<void>;
  /** as SIGTERM does: serves on while requests come */
  retire(): Promise<void>;
}

export interface CallInit {
  /** sent as JSON */
  json?: unknown;
  /** sent as it is */
  body?: string | Uint8Array;
  headers?: Record<string, string>;
}

export const boot = async (environment: Record<string, string> = {}): Promise<Booted> => {
  const dir = tempDir();
  const runtime = await startRuntime(
    readSettings({
      PORT: '0',
      DORMOUSE_DATA_DIR: dir.path,
      DORMOUSE_TOOLS: './test/e2e/http/tools.mjs',
      ...environment,
    }),
    { logger: false },
  );
  const { url } = runtime;

  const call = async <T>(
    method: string,
    path: string,
    { json, body, headers }: CallInit = {},
  ): Promise<Answer<T>> => {
    const response = await fetch(url + path, {
      method,
      headers: { ...(json === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      ...(json === undefined ? {} : { body: JSON.stringify(json) }),
      ...(body === undefined ? {} : { body }),
    });
    const text = await response.text();
    const isJson =
      /json/.test(response.headers.get('content-type') ?? '') &&
      !/ndjson/.test(response.headers.get('content-type') ?? '');
    return {
      status: response.status,
      headers: response.headers,
      body: (isJson ? JSON.parse(text) : text) as T,
    };
  };
  const get = async <T>(path: string): Promise<T> => {
    const answer = await call<T>('GET', path);
    if (answer.status !== 200)
      throw new Error(`GET ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  };

  return {
    url,
    call,
    submit: async (json, headers) => {
      const answer = await call<SessionView | Problem>('POST', '/v1/sessions', {
        json,
        ...(headers === undefined ? {} : { headers }),
      });
      if (answer.status !== 202) throw new Error(`submit: ${answer.status} ${JSON.stringify(answer.body)}`);
      return answer.body as SessionView;
    },
    reaches: (id, status) =>
      eventually(
        async () => {
          const session = await get<SessionView>(`/v1/sessions/${id}`);
          return session.status === status ? session : null;
        },
        { timeoutMs: 20_000, what: `${id} becomes ${status}` },
      ),
    ended: (id) =>
      eventually(
        async () => {
          const session = await get<SessionView>(`/v1/sessions/${id}`);
          return isTerminal(session.status) ? session : null;
        },
        { timeoutMs: 20_000, what: `${id} ends` },
      ),
    timeline: (id) => get(`/v1/sessions/${id}/timeline`),
    closeWithoutOpening: async () => {
      await runtime.close();
      dir.remove();
    },
    retire: async () => {
      await runtime.close({ serveOn: true });
      dir.remove();
    },
    close: async () => {
      openGate();
      await runtime.close();
      closeGate();
      dir.remove();
    },
  };
};

export const echo = (id: string, value: unknown = 1, more: object = {}) => ({
  id,
  tool: 'echo',
  parameters: { value },
  ...more,
});
/** A plan session that ends at once. */
export const quick = (value: unknown = 1): Submission => ({ plan: { steps: [echo('only', value)] } });
/** A plan session that stands at the gate after its first step. */
export const gated = (): Submission => ({
  plan: { steps: [echo('first'), { id: 'held', tool: 'at_gate' }, echo('last')] },
});
