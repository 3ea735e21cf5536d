import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Ajv } from 'ajv';
import { type CloudEvent, DATA_SCHEMAS, DEFAULT_TOPICS, type Problem } from '#contracts';
import { Engine } from '#engine';
import { eventually, tempDir } from '#testing';
import { decodeEvent, EmbeddedTransport, type LogRecord, readTopic } from '#transport';
import { isDateTime } from '../../../src/http/validation.js';
import { type Booted, boot, closeGate, echo, gated, openGate, quick } from './booted.js';
import { written } from './written.js';

interface Document {
  channels: Record<string, { address: string; messages: Record<string, { $ref: string }> }>;
  components: { messages: Record<string, { name: string; payload: object }>; schemas: object };
}

const ALL_TOOLS = './test/e2e/http/tools.mjs,./examples/own-tool/word-count.mjs';
const data = tempDir();
let document: Document;
/** all that the log holds in the end, by topic */
const log = new Map<string, LogRecord[]>();

/** Has a process publish an event of every type that it publishes. */
const eventful = async (): Promise<void> => {
  await written(data.path, [
    { topic: DEFAULT_TOPICS.intent, key: 'k', value: Buffer.from([0xff, 0x00]) },
    { topic: DEFAULT_TOPICS.observation, key: 'k', value: Buffer.from('{"no":"event"}') },
  ]);
  let app: Booted = await boot({
    DORMOUSE_DATA_DIR: data.path,
    DORMOUSE_TOOLS: ALL_TOOLS,
    DORMOUSE_SHUTDOWN_MS: '100',
  });
  document = (await app.call<Document>('GET', '/asyncapi.json')).body;
  const { session_id: ended } = await app.submit(quick());
  await app.ended(ended);
  const { session_id: failed } = await app.submit({
    plan: { steps: [echo('a'), { id: 'b', tool: 'fail' }] },
  });
  await app.ended(failed);
  const { session_id: lost } = await app.submit({ plan: { steps: [{ id: 'a', tool: 'lose_track' }] } });
  await app.reaches(lost, 'parked');
  const settled = { outcome: 'retry', parameters: { sure: true }, by: 'ann', reason: 'asked' };
  await app.call('POST', `/v1/sessions/${lost}/resolutions/${lost}.1.0`, { json: settled });
  await app.ended(lost);
  const { session_id: written_to } = await app.submit(gated());
  await app.call('POST', `/v1/sessions/${written_to}/messages`, { json: { content: 'hello' } });
  await app.call('POST', `/v1/sessions/${written_to}/cancel`, { json: { reason: 'enough' } });
  await app.ended(written_to);
  const { session_id: asked } = await app.submit({ plan: { steps: [{ ...echo('a'), approval: true }] } });
  await app.reaches(asked, 'waiting_approval');
  await app.call('POST', `/v1/sessions/${asked}/approvals/${asked}.1.0`, {
    json: { decision: 'approve', by: 'ann' },
  });
  await app.ended(asked);
  const { session_id: late } = await app.submit({
    ...gated(),
    deadline: new Date(Date.now() + 1_000).toISOString(),
  });
  await app.ended(late);
  const { session_id: orphan } = await app.submit({
    plan: {
      steps: [
        { id: 'held', tool: 'at_gate' },
        { id: 'count', tool: 'count_words', parameters: { text: 'one two' } },
      ],
    },
  });
  await app.reaches(orphan, 'waiting_tool');
  await app.closeWithoutOpening();

  // a release without the tool makes a dead letter of the intent
  openGate();
  app = await boot({ DORMOUSE_DATA_DIR: data.path });
  await app.reaches(orphan, 'parked');
  await app.call('POST', '/v1/dead-letters/redrive', {
    json: { filter: { session_id: orphan }, by: 'mara' },
  });
  await eventually(async () =>
    (await app.timeline(orphan)).entries.some((e) => (e.payload as { type?: string }).type === 'redriven'),
  );
  await app.close();
};

beforeAll(async () => {
  await eventful();
  const engine = await Engine.open({ dir: data.path });
  const transport = new EmbeddedTransport(engine);
  await transport.start(Object.values(DEFAULT_TOPICS).map((topic) => ({ topic, partitions: 16 })));
  for (const topic of Object.values(DEFAULT_TOPICS)) {
    const records: LogRecord[] = [];
    await readTopic(transport, topic, 'reader', (more) => records.push(...more) > 0);
    log.set(topic, records);
  }
  await transport.close();
  await engine.close();
}, 120_000);
afterAll(() => {
  closeGate();
  data.remove();
});

/** The events of a topic that are ours, as they stand in its records. */
const eventsIn = (topic: string): CloudEvent[] =>
  (log.get(topic) ?? []).flatMap((record) => {
    const { event } = decodeEvent(record);
    return event?.deploymentid === undefined ? [] : [JSON.parse(String(record.value)) as CloudEvent];
  });

/** What is wrong with an event, by the message that the document has for its type in its topic. */
const faultsOf = (topic: string) => {
  const ajv = new Ajv({ strict: false, formats: { 'date-time': isDateTime } });
  const channel = Object.values(document.channels).find(({ address }) => address === topic);
  const validators = new Map(
    Object.keys(channel?.messages ?? {})
      .filter((id) => !id.endsWith('.binary'))
      .map((id) => {
        const { name, payload } = document.components.messages[id]!;
        return [name, ajv.compile({ ...payload, components: document.components })];
      }),
  );
  return (event: CloudEvent): unknown[] => {
    const { type } = event;
    const validate = validators.get(type);
    if (validate === undefined) return [`no message for ${type} in ${topic}`];
    return validate(event) ? [] : [type, ...(validate.errors ?? [])];
  };
};

describe('what a process has published', () => {
  it.each(Object.values(DEFAULT_TOPICS))('is in %s as the document describes it', (topic) => {
    const events = eventsIn(topic);
    expect(events.length).toBeGreaterThan(1);
    expect(events.flatMap(faultsOf(topic))).toEqual([]);
  });

  it('is one of each type at least', () => {
    const seen = new Set(
      [DEFAULT_TOPICS.intent, DEFAULT_TOPICS.observation].flatMap(eventsIn).map((e) => e.type),
    );
    const missing = Object.keys(DATA_SCHEMAS).filter((name) => !seen.has(`com.southwest.ai.${name}`));
    expect(missing).toEqual([]);
  });

  it('would be told apart from what is not described', () => {
    const [intent] = eventsIn(DEFAULT_TOPICS.intent);
    const faults = faultsOf(DEFAULT_TOPICS.intent);
    const { id: _id, ...nameless } = intent!;
    const { data: payload, ...empty } = intent!;
    expect(faults(nameless as CloudEvent)).not.toEqual([]);
    expect(faults(empty as CloudEvent)).not.toEqual([]);
    expect(faults({ ...intent!, data: { ...(payload as object), session_id: 7 } })).not.toEqual([]);
    expect(faults({ ...empty, dataref: 'blob:{sess}:0' })).toEqual([]);
  });
});

describe('an event schema', () => {
  it('is served where its dataschema ends', async () => {
    const app = await boot();
    try {
      const dataschema = 'urn:dormouse:schema:observation.tool_result/v1';
      const [, path = ''] = dataschema.split('urn:dormouse:schema:');
      const { status, headers, body } = await app.call('GET', `/schemas/${path}`);
      expect([status, headers.get('content-type')]).toEqual([200, 'application/schema+json; charset=utf-8']);
      expect(body).toMatchObject({ $id: dataschema, required: ['session_id', 'status'] });
      const unknown = await app.call<Problem>('GET', '/schemas/nothing/v1');
      expect([unknown.status, unknown.body.code]).toEqual([404, 'not_found']);
      expect((await app.call('POST', `/schemas/${path}`)).status).toBe(405);
    } finally {
      await app.close();
    }
  });
});
