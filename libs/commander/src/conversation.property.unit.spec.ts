import { describe, it } from '@jest/globals';
import fc from 'fast-check';
import { isTerminal, type OutcomeStatus, RESOLUTIONS } from '#contracts';
import { NamedTools, requestFault } from '#testing';
import type { ChatRequest } from './brains/openai/chat.js';
import { OpenAiBrain } from './brains/openai/openai.brain.js';
import type { ModelClient } from './brains/openai/openai.client.js';
import type { SealedIntent } from './core/input.js';
import { SessionPlay } from './play/session-play.js';

const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31);
const runs = Number(process.env['RUNS'] ?? 600);

const tools = new NamedTools([
  { name: 'pure' },
  { name: 'compensatable', effect: 'compensatable', compensation: 'undo' },
  { name: 'irreversible', effect: 'irreversible' },
  { name: 'undo', effect: 'idempotent' },
]);
const CALLED = [
  'pure',
  'compensatable',
  'irreversible',
  'ask_user',
  'ask_user',
  'nothing_like_that',
  'broken',
];

/** What the model says in one turn: calls, or words when there are none. `hears`: a person writes meanwhile. */
const turns = fc.array(
  fc.record({
    calls: fc.array(fc.constantFrom(...CALLED), { maxLength: 4 }),
    refuses: fc.nat(19).map((n) => n === 0),
    hears: fc.nat(3).map((n) => n === 0),
  }),
  { maxLength: 8 },
);
/** What happens to the session, one after the other: `pick` chooses among what can happen at that moment. */
const events = fc.array(
  fc.record({
    kind: fc.constantFrom(
      'result',
      'result',
      'result',
      'message',
      'message',
      'record',
      'record',
      'resolve',
      'duplicate',
      'cancel',
    ),
    pick: fc.nat(),
    status: fc.constantFrom<OutcomeStatus>('succeeded', 'succeeded', 'failed', 'unknown', 'cancelled'),
  }),
  { maxLength: 50 },
);
const seals = fc.array(fc.constantFrom<SealedIntent['kind']>('sealed', 'started', 'recorded'), {
  minLength: 1,
});

interface Draw {
  turns: { calls: string[]; refuses: boolean; hears: boolean }[];
  happens: { kind: string; pick: number; status: OutcomeStatus }[];
  seals: SealedIntent['kind'][];
  saga: boolean;
}

const expectThat = (holds: boolean, what: string): void => {
  if (!holds) throw new Error(what);
};

/** A session of the real brain and the real machine; a model that calls what was drawn, and checks what it is given. */
class Run implements ModelClient {
  readonly session: SessionPlay;
  private readonly accepted: { id: string; content: string }[] = [];
  private readonly waiting: string[] = [];
  private readonly given: string[] = [];
  private cancels = 0;

  constructor(private readonly draw: Draw) {
    let sealed = 0;
    this.session = new SessionPlay({
      submission: { input: 'Go', model: 'm', ask_user: true, saga: draw.saga, limits: { steps: 30 } },
      brain: new OpenAiBrain({ apiKey: 'k' }, undefined, this),
      tools,
      seal: () => ({ kind: draw.seals[sealed++ % draw.seals.length] ?? 'sealed' }),
    });
  }

  complete(request: ChatRequest): Promise<unknown> {
    const fault = requestFault(request);
    expectThat(fault === undefined, `${fault?.message ?? ''}: ${JSON.stringify(request.messages)}`);
    const read = request.messages.flatMap(({ role, content }) =>
      (role === 'user' || role === 'tool') && typeof content === 'string' ? [content] : [],
    );
    for (const { content } of this.accepted)
      expectThat(read.filter((text) => text === content).length <= 1, `${content} is read twice`);
    this.given.splice(0, Infinity, ...read);
    const turn = this.draw.turns[request.messages.filter(({ role }) => role === 'assistant').length];
    if (turn?.hears === true && this.session.conflicts < 5) this.write();
    const finish_reason = turn === undefined || turn.calls.length === 0 ? 'stop' : 'tool_calls';
    const message =
      turn?.refuses === true
        ? { content: null, refusal: 'no' }
        : finish_reason === 'stop'
          ? { content: 'done' }
          : {
              content: null,
              tool_calls: turn?.calls.map((name) => ({
                id: 'call_0',
                type: 'function',
                function: {
                  name,
                  arguments: name === 'broken' ? '{"' : name === 'ask_user' ? '{"question":"?"}' : '{}',
                },
              })),
            };
    return Promise.resolve({ choices: [{ finish_reason, message }] });
  }

  async play(): Promise<void> {
    await this.session.start();
    for (const event of this.draw.happens) await this.happen(event);
    // whatever is left
    for (let i = 0; i < 200 && !isTerminal(this.session.snapshot.status); i++) await this.goOn();
    this.check();
  }

  private write(): void {
    if (isTerminal(this.session.snapshot.status) || this.accepted.length > 25) return;
    const content = `words ${this.accepted.length}`;
    const id = this.session.accept(content);
    this.accepted.push({ id, content });
    this.waiting.push(id);
  }

  private async happen({ kind, pick, status }: Draw['happens'][number]): Promise<void> {
    const { session } = this;
    const { pending, stuck = [] } = session.snapshot;
    const intent = pending[pick % Math.max(1, pending.length)];
    const settled = stuck[pick % Math.max(1, stuck.length)];
    switch (kind) {
      case 'message':
        this.write();
        break;
      case 'record': {
        const [id] = this.waiting.splice(pick % Math.max(1, this.waiting.length), 1);
        if (id !== undefined) await session.observe({ type: 'user_message', id });
        break;
      }
      case 'result':
        if (intent !== undefined) await session.answer(intent.intent_id, { status, result: { v: pick } });
        break;
      case 'resolve':
        if (settled !== undefined)
          await session.resolve(settled.intent.intent_id, { outcome: RESOLUTIONS[pick % 3]! });
        break;
      case 'duplicate': {
        const again = session.emitted[pick % Math.max(1, session.emitted.length)];
        if (again !== undefined && !pending.includes(again))
          await session.answer(again.intent_id, { status });
        break;
      }
      case 'cancel':
        if (this.cancels++ === 0 && pick % 3 === 0) await session.cancel(pick % 2 === 0);
    }
  }

  /** What keeps it from its end comes. */
  private async goOn(): Promise<void> {
    const { snapshot } = this.session;
    const next = { pick: 0, status: 'succeeded' as const };
    if (this.waiting.length > 0) await this.happen({ kind: 'record', ...next });
    else if (snapshot.pending.length > 0) await this.happen({ kind: 'result', ...next });
    else if (snapshot.stuck !== undefined) await this.happen({ kind: 'resolve', ...next });
    else if (snapshot.question !== undefined) this.write();
    else throw new Error(`it hangs: ${snapshot.status}`);
  }

  private check(): void {
    const { snapshot, history, timeline } = this.session;
    const words = history.flatMap((e) => (e.kind === 'message' && e.key !== 'input' ? [e.content] : []));
    const accepted = this.accepted.map(({ content }) => content);
    expectThat(isTerminal(snapshot.status), `it is ${snapshot.status}`);
    expectThat(words.join() === accepted.join(), `${words.join()} of ${accepted.join()}`);
    const unread = timeline.flatMap(({ payload }) =>
      payload['type'] === 'unread' ? (payload['messages'] as string[]) : [],
    );
    const told = new Set(unread);
    for (const { id, content } of this.accepted)
      expectThat(told.has(id) !== this.given.includes(content), `${content} is neither read nor told`);
    if (snapshot.status === 'completed')
      expectThat(unread.length === 0, 'it is completed, and has not read all');
  }
}

describe('what a model is given', () => {
  it(`has each call answered once before anything else, and each message once, whatever comes when (SEED=${seed} RUNS=${runs})`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.record({ turns, happens: events, seals, saga: fc.boolean() }), async (draw: Draw) =>
        new Run(draw).play(),
      ),
      { seed, numRuns: runs },
    );
  });
});
