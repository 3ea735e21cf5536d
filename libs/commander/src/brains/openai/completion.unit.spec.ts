import { describe, expect, it } from '@jest/globals';
import { readCompletion } from './completion.js';

const read = (body: unknown, used = new Set<string>()) => readCompletion(body, 3, used);
const says = (message: object, finish = 'stop', more: object = {}) => ({
  choices: [{ message, finish_reason: finish }],
  ...more,
});
const call = (id: unknown, name = 'sql_query', given: unknown = '{}') => ({
  id,
  type: 'function',
  function: { name, arguments: given },
});

describe('readCompletion', () => {
  it('reads text and usage', () => {
    const usage = { prompt_tokens: 12, completion_tokens: 3, total_tokens: 15 };
    expect(read(says({ content: 'Hello' }, 'stop', { usage }))).toEqual({
      kind: 'turn',
      usage: { input_tokens: 12, output_tokens: 3 },
      turn: { v: 1, text: 'Hello', calls: [], finish: 'stop' },
    });
  });

  it('counts nothing where a server counts nothing, or nonsense', () => {
    for (const usage of [undefined, null, {}, { prompt_tokens: -1, completion_tokens: 'many' }]) {
      expect(read(says({ content: 'x' }, 'stop', { usage }))).toMatchObject({
        usage: { input_tokens: 0, output_tokens: 0 },
      });
    }
  });

  it('joins the parts of a text', () => {
    const content = [
      { type: 'thinking', thinking: [] },
      { type: 'text', text: 'Hel' },
      { type: 'text', text: 'lo' },
    ];
    expect(read(says({ content }))).toMatchObject({ turn: { text: 'Hello' } });
  });

  it('keeps ids that serve and replaces those that do not', () => {
    const used = new Set(['old']);
    const calls = [
      call('mine'),
      call('mine'),
      call('old'),
      call(''),
      call(undefined),
      call('step:a'),
      call('x'.repeat(41)),
    ];
    const reading = read(says({ tool_calls: calls }, 'tool_calls'), used);
    if (reading.kind !== 'turn') throw new Error(reading.kind);
    const ids = reading.turn.calls.map(({ id }) => id);
    expect(ids[0]).toBe('mine');
    expect(new Set(ids).size).toBe(7);
    for (const id of ids.slice(1)) expect(id).toMatch(/^[a-z0-9]{9}$/);
    expect(used.size).toBe(8);
  });

  it('finds a free id beside those that it gave in earlier turns', () => {
    const used = new Set<string>();
    for (let turn = 0; turn < 3; turn++) read(says({ tool_calls: [call(''), call('')] }), used);
    expect(used.size).toBe(6);
  });

  it('takes arguments that came as an object, or not at all', () => {
    const reading = read(
      says({
        tool_calls: [
          call('a', 't', { x: 1 }),
          { ...call('b'), function: { name: 't' } },
          call('c', 't', null),
        ],
      }),
    );
    expect(reading).toMatchObject({
      turn: { calls: [{ arguments: '{"x":1}' }, { arguments: '' }, { arguments: '' }] },
    });
  });

  it('keeps the reasoning of turns with calls alone', () => {
    expect(read(says({ content: 'x', reasoning_content: 'hm' }))).not.toMatchObject({
      turn: { reasoning: 'hm' },
    });
    expect(read(says({ tool_calls: [call('a')], reasoning_content: 'hm' }))).toMatchObject({
      turn: { reasoning: 'hm' },
    });
  });

  it.each([
    ['no content', says({ content: null })],
    ['white space', says({ content: ' \n' })],
    ['no calls where there should be some', says({ content: null, tool_calls: [] }, 'tool_calls')],
  ])('tells an empty answer: %s', (_, body) => {
    expect(read(body).kind).toBe('empty');
  });

  it('does not call an answer empty that was cut or filtered', () => {
    expect(read(says({ content: null }, 'length')).kind).toBe('turn');
    expect(read(says({ content: null }, 'content_filter')).kind).toBe('turn');
  });

  it.each([
    ['a page', '<html>502</html>', '<html>502'],
    ['an answer that broke off upstream', says({ content: 'hal' }, 'error'), 'expected a chat completion'],
    ['nothing', undefined, 'nothing'],
    ['no choices', { choices: [] }, '{"choices":[]}'],
    ['no message', { choices: [{}] }, 'expected a chat completion'],
    ['an error under status 200', { error: { message: 'upstream is down', code: 502 } }, 'upstream is down'],
    [
      'an error inside the choice',
      { choices: [{ message: {}, finish_reason: 'error', error: { message: 'cut off' } }] },
      'cut off',
    ],
  ])('tells what is no chat completion: %s', (_, body, message) => {
    expect(read(body)).toEqual({ kind: 'unusable', message: expect.stringContaining(message) });
  });
});
