import { type SessionStatus, type SessionView, type Submission, isTerminal } from '#contracts';
import { eventually, type LlmRequest, type LlmTurn } from '#testing';

/** Larger than what the runtimes of this scenario let travel inside of an event. */
const LARGE = 'word '.repeat(600);
export const INLINE_LIMIT = '1024';

const words = (id: string, text: unknown, after?: string[]) => ({
  id,
  tool: 'count_words',
  parameters: { text },
  ...(after === undefined ? {} : { after }),
});
const nap = (id: string, ms: number, after?: string[]) => ({
  id,
  tool: 'wait',
  parameters: { ms },
  ...(after === undefined ? {} : { after }),
});
const cancelling = (kind: 'flight' | 'hotel') => ({
  tool: `cancel_${kind}`,
  parameters: { booking: { $ref: kind, pointer: '/booking_id' } },
});

interface Scene {
  submission: Submission;
  ends: SessionStatus;
  /** cancelled as soon as it waits */
  cancelled?: boolean;
}

/** Sessions of every kind. Where branches run side by side, one is so much longer that its end is surely the later one. */
export const SCENES: Readonly<Record<string, Scene>> = {
  branches: {
    ends: 'completed',
    submission: {
      plan: {
        steps: [
          nap('nap', 300),
          words('left', 'one two', ['nap']),
          nap('right', 2_500, ['nap']),
          words('joined', { $ref: 'left', pointer: '/longest' }, ['left', 'right']),
        ],
      },
    },
  },
  large: {
    ends: 'completed',
    submission: { plan: { steps: [words('large', LARGE), words('small', 'two')] } },
  },
  undone: {
    ends: 'compensated',
    submission: {
      saga: true,
      plan: {
        steps: [
          {
            id: 'flight',
            tool: 'book_flight',
            parameters: { to: 'Chengdu' },
            compensation: cancelling('flight'),
          },
          {
            id: 'hotel',
            tool: 'book_hotel',
            parameters: { city: 'Chengdu' },
            compensation: cancelling('hotel'),
          },
          { id: 'bill', tool: 'send_bill', parameters: { behave: 'fail' } },
        ],
      },
    },
  },
  failed: {
    ends: 'failed',
    submission: {
      plan: { steps: [words('first', 'one'), words('lost', { $ref: 'first', pointer: '/nowhere' })] },
    },
  },
  cancelled: {
    ends: 'cancelled',
    cancelled: true,
    submission: { plan: { steps: [nap('long', 600_000)] } },
  },
  spoken: { ends: 'completed', submission: { input: 'How many words are there?' } },
};
/** Each is run so often, all at once. */
const TIMES = 4;

/** What the model says to each request of a session of the scenario. */
export const turnOf = ({ body }: LlmRequest): LlmTurn =>
  body.messages.some(({ role }) => role === 'tool')
    ? { do: 'say', text: 'Three.' }
    : { do: 'call', calls: [{ tool: 'count_words', arguments: { text: 'a b c' }, id: 'call_1' }] };

const call = async <T>(url: string, method: 'GET' | 'POST', body?: unknown): Promise<T> => {
  const response = await fetch(url, {
    method,
    ...(body === undefined
      ? {}
      : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${url}: ${response.status} ${text}`);
  return JSON.parse(text) as T;
};

const playOnce = async (url: string, { submission, ends, cancelled }: Scene): Promise<string> => {
  const { session_id: id } = await call<SessionView>(`${url}/v1/sessions`, 'POST', submission);
  const session = (): Promise<SessionView> => call(`${url}/v1/sessions/${id}`, 'GET');
  if (cancelled === true) {
    await eventually(async () => (await session()).status === 'waiting_tool', { everyMs: 20 });
    await call(`${url}/v1/sessions/${id}/cancel`, 'POST', { reason: 'enough' });
  }
  const ended = await eventually(
    async () => {
      const now = await session();
      return isTerminal(now.status) ? now : null;
    },
    { timeoutMs: 100_000, everyMs: 20, what: `${id} ends` },
  );
  if (ended.status !== ends) throw new Error(`expected ${ends}, got ${JSON.stringify(ended)}`);
  return id;
};

/** Plays all scenes to their ends; returns which scene each session was. */
export const play = async (url: string): Promise<Map<string, string>> => {
  const scenes = Object.entries(SCENES).flatMap((scene) => Array.from({ length: TIMES }, () => scene));
  return new Map(
    await Promise.all(
      scenes.map(async ([name, scene]): Promise<[string, string]> => [await playOnce(url, scene), name]),
    ),
  );
};

/** What the API tells of a session: it, and its timeline. */
export const toldBy = async (url: string, id: string): Promise<unknown> => ({
  session: await call(`${url}/v1/sessions/${id}`, 'GET'),
  timeline: await call(`${url}/v1/sessions/${id}/timeline`, 'GET'),
});
