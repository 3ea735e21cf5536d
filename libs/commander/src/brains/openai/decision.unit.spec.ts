import { describe, expect, it } from '@jest/globals';
import { DEFAULT_RETRY, type EffectClass, ToolCatalogue, type ToolSpec } from '#contracts';
import { decide } from './decision.js';
import { functionTool, offeredTools } from './function-tools.js';
import type { ModelTurn } from './turn.js';

const spec = (name: string, description = name): ToolSpec => ({
  name,
  description,
  parameters: { type: 'object', properties: { query: { type: 'string' } } },
  effect: 'pure',
  timeoutMs: 1000,
  retry: DEFAULT_RETRY,
  servedBy: 'dispatcher',
});

class Catalogue extends ToolCatalogue {
  constructor(private readonly specs: ToolSpec[]) {
    super();
  }
  list(): readonly ToolSpec[] {
    return this.specs;
  }
  get(name: string): ToolSpec | undefined {
    return this.specs.find((tool) => tool.name === name);
  }
  effectOf(): EffectClass {
    return 'pure';
  }
  needsApproval(): boolean {
    return false;
  }
  violations(_name: string, parameters: unknown): string[] | undefined {
    return 'query' in (parameters as object) ? undefined : ['query: is required'];
  }
}

const tools = new Catalogue([spec('sql_query'), spec('wait'), spec('http_request')]);
const usage = { input_tokens: 1, output_tokens: 2 };
const turn = (more: Partial<ModelTurn>): ModelTurn => ({
  v: 1,
  text: null,
  calls: [],
  finish: 'stop',
  ...more,
});
const decided = (more: Partial<ModelTurn>, offered = ['sql_query', 'wait']) =>
  decide(turn(more), usage, {
    tools,
    offered: new Set(offered),
    mayAsk: false,
    at: '2026-01-01T00:00:00.000Z',
  });
const call = (id: string, name: string, given: string) => ({ id, name, arguments: given });

describe('offeredTools', () => {
  it('offers all, or those that the submission names', () => {
    expect(offeredTools(tools, undefined)).toHaveLength(3);
    expect(offeredTools(tools, ['wait', 'nothing']).map(({ name }) => name)).toEqual(['wait']);
    expect(offeredTools(tools, [])).toEqual([]);
  });

  it('describes a tool as the API wants it, with a description that it takes', () => {
    const described = functionTool(spec('wait', 'long '.repeat(300)));
    expect(described).toMatchObject({
      type: 'function',
      function: { name: 'wait', parameters: { type: 'object' } },
    });
    expect(described.function.description).toHaveLength(1024);
  });
});

describe('decide', () => {
  it('completes with the text', () => {
    expect(decided({ text: 'Done.' })).toEqual({
      calls: [],
      usage,
      message: { v: 1, text: 'Done.', calls: [], finish: 'stop' },
      finish: { kind: 'completed', result: { text: 'Done.' } },
    });
  });

  it('makes all calls of a turn, under their ids', () => {
    const calls = [call('a', 'sql_query', '{"query":"1"}'), call('b', 'wait', '{"query":"2"}')];
    const decision = decided({ calls, finish: 'tool_calls' });
    expect(decision.calls).toEqual([
      { tool: 'sql_query', parameters: { query: '1' }, call: 'a' },
      { tool: 'wait', parameters: { query: '2' }, call: 'b' },
    ]);
    expect(decision.answered).toBeUndefined();
    expect(decision.finish).toBeUndefined();
    expect(decision.message).toMatchObject({ calls: [{ id: 'a' }, { id: 'b' }] });
  });

  it.each([
    ['an unknown tool', call('b', 'sql_qery', '{}'), 'unknown_tool', /sql_qery.*known: sql_query, wait/],
    ['a tool outside the subset', call('b', 'http_request', '{"query":"1"}'), 'unknown_tool', /http_request/],
    ['broken JSON', call('b', 'wait', '{"query": "SEL'), 'invalid_parameters', /came: \{"query": "SEL/],
    ['JSON that is no object', call('b', 'wait', '[1]'), 'invalid_parameters', /one JSON object/],
    ['parameters that break the schema', call('b', 'wait', '{}'), 'invalid_parameters', /schema/],
  ])('answers %s itself and makes the others', (_, bad, code, message) => {
    const decision = decided({ calls: [call('a', 'sql_query', '{"query":"1"}'), bad] });
    expect(decision.calls.map((made) => made.call)).toEqual(['a']);
    expect(decision.answered).toEqual([
      {
        tool: bad.name,
        call: 'b',
        outcome: expect.objectContaining({
          status: 'failed',
          attempts: 0,
          error: expect.objectContaining({
            code,
            retryable: false,
            message: expect.stringMatching(message),
          }),
        }),
      },
    ]);
    expect(decision.finish).toBeUndefined();
  });

  it('names each violation', () => {
    expect(decided({ calls: [call('a', 'wait', '')] }).answered?.[0]?.outcome.error?.details).toEqual([
      'query: is required',
    ]);
  });

  it.each([
    ['a refusal', { refusal: 'I will not.' }, 'brain_refused', /I will not/],
    ['a content filter', { finish: 'content_filter', text: 'half' }, 'brain_refused', /content filter/],
    ['a text cut at the limit', { finish: 'length', text: 'half' }, 'brain_failed', /length limit/],
    ['nothing before the limit', { finish: 'length' }, 'brain_failed', /length limit/],
  ])('fails on %s', (_, said, code, message) => {
    const { finish, calls, usage: counted } = decided(said);
    expect(calls).toEqual([]);
    expect(counted).toEqual(usage);
    expect(finish).toMatchObject({
      kind: 'failed',
      error: { code, message: expect.stringMatching(message), retryable: false },
      ...('text' in said ? { result: { text: 'half' } } : {}),
    });
  });

  it('makes no call of a turn that was refused or filtered', () => {
    const calls = [call('a', 'sql_query', '{"query":"1"}')];
    expect(decided({ calls, refusal: 'No.' }).calls).toEqual([]);
    expect(decided({ calls, finish: 'content_filter' }).calls).toEqual([]);
  });

  it('makes the calls that arrived whole before the limit', () => {
    const calls = [call('a', 'sql_query', '{"query":"1"}'), call('b', 'sql_query', '{"que')];
    const decision = decided({ calls, finish: 'length' });
    expect(decision.calls).toHaveLength(1);
    expect(decision.answered).toHaveLength(1);
    expect(decision.finish).toBeUndefined();
  });
});
