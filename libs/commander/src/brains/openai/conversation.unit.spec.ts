import { describe, expect, it } from '@jest/globals';
import type { HistoryEntry, Json, Outcome, OutcomeStatus } from '#contracts';
import { requestFault } from '#testing';
import fc from 'fast-check';
import { readCompletion } from './completion.js';
import { conversation } from './conversation.js';
import { MISSING_RESULT, MODEL_RESULT_LIMIT } from './result-text.js';
import { toStored } from './turn.js';

const outcome = (status: OutcomeStatus, result: Json = null): Outcome => ({
  status,
  result,
  error: status === 'succeeded' ? null : { code: 'tool_failed', message: `it ${status}`, retryable: false },
  attempts: 1,
  started_at: '2026-01-01T00:00:00.000Z',
  duration_ms: 1,
});
const message = (key: string, content: string): HistoryEntry => ({
  v: 1,
  key,
  n: 0,
  kind: 'message',
  content,
});
const brain = (step: number, content: object): HistoryEntry => ({
  v: 1,
  key: `brain:${step}`,
  n: 0,
  kind: 'brain',
  content: content as Json,
});
const observed = (call: string, result: Outcome): HistoryEntry => ({
  v: 1,
  key: `result:${call}`,
  n: 0,
  kind: 'observation',
  intent_id: `s.1.${call}`,
  tool: 'sql_query',
  call,
  outcome: result,
});
const turn = (...ids: string[]) => ({
  v: 1,
  text: null,
  finish: 'tool_calls',
  calls: ids.map((id) => ({ id, name: 'sql_query', arguments: '{"query":"SELECT 1"}' })),
});

describe('conversation', () => {
  it('begins with the instructions and the input', () => {
    const { messages } = conversation('Be brief.', [message('input', 'Hello')]);
    expect(messages).toEqual([
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'Hello' },
    ]);
  });

  it('has no system message without instructions', () => {
    expect(conversation(undefined, [message('input', 'Hello')]).messages).toHaveLength(1);
    expect(conversation('', [message('input', 'Hello')]).messages).toHaveLength(1);
  });

  it('answers each call right after its turn, in the order of the calls, whatever became of them', () => {
    const { messages, callIds } = conversation(undefined, [
      message('input', 'Go'),
      brain(1, turn('a', 'b', 'c', 'd', 'e')),
      message('m1', 'Are you there?'),
      observed('d', outcome('cancelled')),
      observed('b', outcome('failed')),
      observed('a', outcome('succeeded', { rows: [1] })),
      observed('c', outcome('unknown')),
    ]);
    expect(messages.map((m) => (m.role === 'tool' ? m.tool_call_id : m.role))).toEqual([
      'user',
      'assistant',
      'a',
      'b',
      'c',
      'd',
      'e',
      'user',
    ]);
    const said = messages.filter((m) => m.role === 'tool').map((m) => m.content);
    expect(said[0]).toBe('{"rows":[1]}');
    expect(JSON.parse(said[1] as string)).toEqual({
      status: 'failed',
      error: { code: 'tool_failed', message: 'it failed' },
    });
    expect(said[2]).toContain('unknown');
    expect(said[3]).toContain('cancelled');
    expect(said[4]).toBe(MISSING_RESULT);
    expect([...callIds]).toEqual(['a', 'b', 'c', 'd', 'e']);
  });

  it('finds an outcome that stands before its turn', () => {
    const { messages } = conversation(undefined, [
      message('input', 'Go'),
      observed('a', outcome('failed')),
      brain(1, turn('a')),
    ]);
    expect(messages.at(-1)).toMatchObject({
      role: 'tool',
      content: expect.stringContaining('it failed'),
    });
  });

  it('shows the beginning of a large result, and says so', () => {
    const { messages } = conversation(undefined, [
      brain(1, turn('a')),
      observed('a', outcome('succeeded', 'x'.repeat(MODEL_RESULT_LIMIT + 1))),
    ]);
    const text = messages.at(-1)?.content as string;
    expect(text.startsWith('x'.repeat(MODEL_RESULT_LIMIT))).toBe(true);
    expect(text).toContain(`${MODEL_RESULT_LIMIT} of ${MODEL_RESULT_LIMIT + 1} characters`);
  });

  it('never tears a surrogate pair apart', () => {
    const { messages } = conversation(undefined, [
      brain(1, turn('a')),
      observed('a', outcome('succeeded', `x${'😀'.repeat(MODEL_RESULT_LIMIT)}`)),
    ]);
    const text = messages.at(-1)?.content as string;
    expect(Buffer.from(text).toString()).toBe(text);
  });

  it('gives a faulty call back in a form that every server takes', () => {
    const calls = [
      { id: 'a', name: 'functions.sql query', arguments: '{"query": "SEL' },
      { id: 'b', name: '', arguments: '[1]' },
      { id: 'c', name: 'x'.repeat(80), arguments: '' },
    ];
    const { messages } = conversation(undefined, [message('input', 'Go'), brain(1, { ...turn(), calls })]);
    expect(messages[1]).toMatchObject({
      tool_calls: [
        { function: { name: 'functions_sql_query', arguments: '{}' } },
        { function: { name: 'unnamed', arguments: '{}' } },
        { function: { name: 'x'.repeat(64), arguments: '{}' } },
      ],
    });
  });

  it('gives back what a server wants back', () => {
    const extra = { google: { thought_signature: 'abc' } };
    const calls = [{ id: 'a', name: 'sql_query', arguments: '{}', extra }];
    const { messages } = conversation(undefined, [brain(1, { ...turn(), calls, reasoning: 'hm' })]);
    expect(messages[0]).toMatchObject({ reasoning_content: 'hm', tool_calls: [{ extra_content: extra }] });
  });

  it('refuses a turn that it cannot read', () => {
    expect(() => conversation(undefined, [brain(3, { v: 2, calls: [] })])).toThrow(/brain:3/);
  });

  it('is taken by the API, whatever the model said and whatever came back', () => {
    const call = fc.record(
      {
        id: fc.oneof(
          fc.constantFrom('call_0', 'call_1', '', 'step:x'),
          fc.string({ maxLength: 60 }),
          fc.constant(null),
        ),
        type: fc.constant('function'),
        function: fc.record({
          name: fc.string({ maxLength: 80 }),
          arguments: fc.oneof(fc.json(), fc.string(), fc.object()),
        }),
      },
      { requiredKeys: [] },
    );
    const said = fc.record({
      content: fc.oneof(fc.constant(null), fc.string()),
      tool_calls: fc.array(call, { maxLength: 4 }),
    });
    const ended = fc.record({
      status: fc.constantFrom<OutcomeStatus>('succeeded', 'failed', 'unknown', 'cancelled'),
      result: fc.jsonValue() as fc.Arbitrary<Json>,
    });
    fc.assert(
      fc.property(
        fc.array(fc.tuple(said, fc.array(fc.option(ended), { minLength: 4, maxLength: 4 })), {
          maxLength: 6,
        }),
        (steps) => {
          const history: HistoryEntry[] = [message('input', 'Go')];
          const used = new Set<string>();
          for (const [i, [reply, endings]] of steps.entries()) {
            const reading = readCompletion({ choices: [{ message: reply }] }, i + 1, used);
            if (reading.kind !== 'turn') continue;
            history.push(brain(i + 1, toStored(reading.turn)));
            // in the reverse order of the calls, some missing, a message of the user's in between
            for (const [n, { id }] of [...reading.turn.calls.entries()].reverse()) {
              const ending = endings[n] ?? null;
              if (ending !== null) history.push(observed(id, outcome(ending.status, ending.result)));
              if (n === 1) history.push(message(`m${i}`, 'And?'));
            }
          }
          const { messages } = conversation('Be brief.', history);
          expect(requestFault({ model: 'm', messages })).toBeUndefined();
        },
      ),
      { numRuns: 300 },
    );
  });
});
