import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Ajv, type ValidateFunction } from 'ajv';
import fc from 'fast-check';
import {
  type DeadLetterList,
  DEFAULT_TOPICS,
  type PlanStep,
  type SessionList,
  type SessionStatus,
  type Submission,
} from '#contracts';
import { eventually, tempDir } from '#testing';
import { type Booted, boot, echo, openGate, quick } from './booted.js';
import { callsOf, type Content, type DescribedCall, type Document } from './openapi.js';
import { nasty, SchemaArbitrary } from './schema-arbitrary.js';
import { written } from './written.js';

const seed = Number(process.env.DORMOUSE_TEST_SEED ?? Date.now() % 1_000_000_000);
/** Requests for each call of the API; DORMOUSE_TEST_RUNS asks for more. */
const RUNS = Number(process.env.DORMOUSE_TEST_RUNS ?? 100);

interface Sent {
  path: string;
  headers: Record<string, string>;
  body: string | undefined;
}

let app: Booted;
let document: Document;
let known: Record<string, readonly unknown[]>;
let ids: string[];
/** sessions that wait for a person, and the intent that each waits for, by what is to be answered */
let waiting: Record<'resolutions' | 'approvals', { id: string; intent_id: string }[]>;
/** of dead letters */
let letters: string[];
const data = tempDir();

beforeAll(async () => {
  process.stdout.write(`fuzz: seed ${seed}\n`);
  await written(
    data.path,
    ['1', '2', '3'].map((key) => ({ topic: DEFAULT_TOPICS.intent, key, value: Buffer.from('no event') })),
  );
  app = await boot({ DORMOUSE_BODY_LIMIT: '64KiB', DORMOUSE_DATA_DIR: data.path });
  openGate();
  document = (await app.call<Document>('GET', '/openapi.json')).body;
  const sessions = [
    await app.submit(quick()),
    await app.submit({ plan: { steps: [echo('a'), { id: 'b', tool: 'fail' }] } }),
  ];
  for (const { session_id: id } of sessions) await app.ended(id);
  // one that stays open, until a cancel finds it
  const open = await app.submit({
    plan: { steps: [{ id: 'a', tool: 'wait', parameters: { ms: 3_600_000 } }] },
  });
  ids = [...sessions, open].map((s) => s.session_id);
  const stopped = async (step: object, status: SessionStatus) => {
    const steps = [{ id: 'a', ...step }] as PlanStep[];
    const three = await Promise.all(Array.from({ length: 3 }, () => app.submit({ plan: { steps } })));
    for (const { session_id: id } of three) await app.reaches(id, status);
    return three.map(({ session_id: id }) => ({ id, intent_id: `${id}.1.0` }));
  };
  waiting = {
    resolutions: await stopped({ tool: 'lose_track' }, 'parked'),
    approvals: await stopped({ tool: 'echo', parameters: {}, approval: true }, 'waiting_approval'),
  };
  letters = await eventually(async () => {
    const { body } = await app.call<DeadLetterList>('GET', '/v1/dead-letters');
    return body.dead_letters.length === 3 ? body.dead_letters.map(({ id }) => id) : null;
  });
  const page = await app.call<SessionList>('GET', '/v1/sessions?limit=1');
  known = {
    tool: ['echo', 'fail', 'at_gate'],
    tools: [['echo']],
    id: ['a', 'b', 'c'],
    after: [[], ['a']],
    brain: ['plan', 'openai'],
    cursor: [page.body.next_cursor],
    'Dormouse-Tenant': ['default'],
  };
});
afterAll(async () => {
  await app.close();
  data.remove();
});

const headerText = fc.string({
  unit: fc.integer({ min: 0x20, max: 0x7e }).map((c) => String.fromCharCode(c)),
});
const textOf = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

/** Makes of a submission that fits the schema one whose plan can run: its own ids, steps that follow each other. */
const runnable = (value: unknown): unknown => {
  const { plan, brain: _brain, ...rest } = value as Submission;
  if (plan === undefined) return value;
  const steps = plan.steps.map(({ parameters = {} }, i) => ({
    id: `s${i}`,
    tool: 'echo',
    parameters: { value: Object.values(parameters)[0] ?? null },
  }));
  return { ...rest, ask_user: undefined, tools: undefined, deadline: undefined, plan: { steps } };
};

/** Requests for one call: well-formed, or wrong in one or more of their parts. */
const requestsFor = ({ path, operation }: DescribedCall, wild: boolean): fc.Arbitrary<Sent> => {
  const there = path.startsWith('/v1/dead-letters') ? letters : ids;
  const values = new SchemaArbitrary(document, known);
  const parameters = operation.parameters ?? [];
  const part = (where: string): fc.Arbitrary<Record<string, string>> =>
    fc.record(
      Object.fromEntries(
        parameters
          .filter((p) => p.in === where)
          .map((p) => [
            p.name,
            p.in === 'path' && p.schema.enum === undefined
              ? fc.oneof(
                  { weight: 5, arbitrary: fc.constantFrom(...there) },
                  { weight: wild ? 2 : 0, arbitrary: fc.string({ minLength: 1 }) },
                )
              : (wild
                  ? fc.oneof(
                      { weight: 3, arbitrary: values.of(p.schema, false, p.name) },
                      { weight: 1, arbitrary: where === 'header' ? headerText : nasty },
                    )
                  : values.of(p.schema, false, p.name)
                ).map(textOf),
          ]),
      ),
      { requiredKeys: parameters.filter((p) => p.in === where && p.required === true).map((p) => p.name) },
    );
  const [mediaType, content] = Object.entries(operation.requestBody?.content ?? {})[0] ?? [];
  const one =
    content === undefined
      ? undefined
      : fc
          .tuple(values.of(content.schema, wild), fc.nat({ max: 3 }))
          .map(([value, chance]) => JSON.stringify(!wild && chance > 0 ? runnable(value) : value));
  const bodies: fc.Arbitrary<string | undefined> =
    one === undefined
      ? fc.constant(undefined)
      : mediaType === 'application/x-ndjson'
        ? fc.array(one, { maxLength: 5 }).map((lines) => lines.join('\n'))
        : wild
          ? fc.oneof(
              { weight: 10, arbitrary: one },
              { weight: 1, arbitrary: fc.string({ unit: 'binary' }) },
              { weight: 1, arbitrary: fc.constantFrom(undefined, '', '[', 'null', '{"a":1}') },
            )
          : one;
  const types = wild
    ? fc.oneof(
        { weight: 9, arbitrary: fc.constant(mediaType ?? 'application/json') },
        {
          weight: 1,
          arbitrary: fc.oneof(
            headerText,
            fc.constantFrom('application/json; charset=latin1', 'text/plain', 'multipart/form-data'),
          ),
        },
      )
    : fc.constant(mediaType ?? 'application/json');
  return fc
    .record({
      path: part('path'),
      awaited: fc.option(
        fc.constantFrom(...waiting[path.includes('/approvals/') ? 'approvals' : 'resolutions']),
        {
          freq: wild ? 3 : 10,
        },
      ),
      query: part('query'),
      header: part('header'),
      extra: wild ? fc.dictionary(fc.string(), fc.string(), { maxKeys: 1 }) : fc.constant({}),
      body: bodies,
      type: types,
    })
    .map(({ path: drawn, awaited, query, header, extra, body, type }) => {
      const at = path.includes('{intent_id}') && awaited !== null ? awaited : drawn;
      const search = new URLSearchParams({ ...query, ...extra }).toString();
      const filled = path.replace(/\{(\w+)\}/g, (_all, name: string) =>
        encodeURIComponent(Buffer.from((at as Record<string, string>)[name] ?? 'x').toString()),
      );
      const headers = Object.fromEntries(
        Object.entries(header).map(([name, value]) => [name, value.replace(/[^\x20-\x7e]/g, '?')]),
      );
      return {
        path: filled + (search === '' ? '' : `?${search}`),
        headers: { ...headers, ...(body === undefined ? {} : { 'content-type': type }) },
        body,
      };
    });
};

const validators = new Map<string, ValidateFunction>();
/** Checks an answer against the schema that the document has for it. */
const validatorOf = (
  call: DescribedCall,
  status: string,
  content: Content,
  mediaType: string,
): ValidateFunction | undefined => {
  const schema = content[mediaType]?.schema;
  if (schema === undefined) return undefined;
  const key = `${call.method} ${call.path} ${status} ${mediaType}`;
  let validate = validators.get(key);
  if (validate === undefined) {
    const ajv = new Ajv({ strict: false, formats: { 'date-time': true } });
    validate = ajv.compile({ ...schema, components: document.components });
    validators.set(key, validate);
  }
  return validate;
};

/** Calls that were answered with success at least once. */
const succeeded = new Set<string>();

/** What is wrong with an answer; undefined when it is as the document says. */
const faultOf = async (call: DescribedCall, sent: Sent): Promise<string | undefined> => {
  const controller = new AbortController();
  const response = await fetch(app.url + sent.path, {
    method: call.method,
    headers: sent.headers,
    ...(sent.body === undefined || call.method === 'GET' ? {} : { body: sent.body }),
    signal: controller.signal,
  });
  const status = String(response.status);
  if (response.ok) succeeded.add(call.operation.operationId);
  const type = response.headers.get('content-type')?.split(';')[0] ?? '';
  if (type === 'text/event-stream') {
    controller.abort();
    return undefined;
  }
  const text = await response.text();
  if (response.status >= 500) return `${status} ${text}`;
  const described = call.operation.responses[status];
  if (response.status >= 400) {
    if (type !== 'application/problem+json') return `${status} isn't a problem document but ${type}: ${text}`;
    const problem = JSON.parse(text) as { status: number };
    if (problem.status !== response.status) return `${status} says that it is ${problem.status}`;
  }
  // a path that was turned into another one, or none, isn't this call's any more
  if (described === undefined)
    return response.status === 404 || response.status === 405
      ? undefined
      : `${status} isn't described: ${text}`;
  const validate = validatorOf(call, status, described.content ?? {}, type);
  const values =
    type === 'application/x-ndjson'
      ? text.split('\n').filter((line) => line !== '')
      : text === ''
        ? []
        : [text];
  if (values.length > 0 && validate === undefined) return `${status} ${type} isn't described`;
  for (const value of values)
    if (validate?.(type === 'text/plain' ? value : JSON.parse(value)) === false)
      return `${status} doesn't fit its schema: ${JSON.stringify(validate.errors?.slice(0, 3))}: ${value.slice(0, 500)}`;
  return undefined;
};

describe(`requests derived from /openapi.json (seed ${seed}; DORMOUSE_TEST_SEED repeats it)`, () => {
  it('describes every call that the contracts name', () => {
    expect(document.openapi).toMatch(/^3\.1\./);
    expect(
      callsOf(document)
        .map(({ method, path }) => `${method} ${path}`)
        .sort(),
    ).toEqual([
      'GET /asyncapi.json',
      'GET /health/live',
      'GET /health/ready',
      'GET /metrics',
      'GET /openapi.json',
      'GET /schemas/{name}/v1',
      'GET /v1/dead-letters',
      'GET /v1/dead-letters/{id}',
      'GET /v1/sessions',
      'GET /v1/sessions/{id}',
      'GET /v1/sessions/{id}/events',
      'GET /v1/sessions/{id}/timeline',
      'GET /v1/tools',
      'POST /v1/dead-letters/redrive',
      'POST /v1/dead-letters/{id}/redrive',
      'POST /v1/sessions',
      'POST /v1/sessions/batch',
      'POST /v1/sessions/{id}/approvals/{intent_id}',
      'POST /v1/sessions/{id}/cancel',
      'POST /v1/sessions/{id}/messages',
      'POST /v1/sessions/{id}/resolutions/{intent_id}',
    ]);
  });

  it('finds no schema that is referred to and missing, or there and unused', () => {
    const text = JSON.stringify(document);
    const used = new Set([...text.matchAll(/"#\/components\/schemas\/(\w+)"/g)].map((match) => match[1]));
    expect([...used].sort()).toEqual(Object.keys(document.components.schemas).sort());
    expect(document.components.schemas).toMatchObject({ Session: {}, Submission: {}, Plan: {}, Problem: {} });
  });

  it.each([
    ['well-formed', false],
    ['wild', true],
  ])('%s ones get the answers that it describes, and never a 5xx', async (_kind, wild) => {
    for (const call of callsOf(document))
      await fc.assert(
        fc.asyncProperty(requestsFor(call, wild), async (sent) => {
          const fault = await faultOf(call, sent);
          if (fault !== undefined)
            throw new Error(`${call.method} ${sent.path} ${JSON.stringify(sent)}: ${fault}`);
        }),
        { seed, numRuns: RUNS, endOnFailure: true },
      );
  });

  it('reach every call, past the checks at the door', () => {
    expect([...succeeded].sort()).toEqual(
      callsOf(document)
        .map(({ operation }) => operation.operationId)
        .sort(),
    );
  });

  it('leave a server that works', async () => {
    expect((await app.call('GET', '/health/ready')).status).toBe(200);
    const { session_id: id } = await app.submit(quick('after'));
    expect(await app.ended(id)).toMatchObject({ status: 'completed' });
  });
});
