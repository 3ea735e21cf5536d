import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import kafkajs, { type AclEntry, type AclOperationTypes, type AclResourceTypes, type Admin } from 'kafkajs';
import { buildEvent, EVENT_NAMES, type SessionView } from '#contracts';
import { eventually, freshName, RuntimeProcess } from '#testing';
import { type SecuredKafka, SERVER_START_MS, sharedRedis, startSecuredKafka } from '#testing/servers';
import { createKafkaTransport, encodeEvent, EventStrategy, type Feed, type KafkaTransport } from '#transport';
import { freshNames } from '../e2e/on-servers.js';

const USERS = { alice: 'alice-secret', bob: 'bob-secret', carol: 'carol-secret' };
const feed = (records: string[]): Feed => ({
  assigned: () => undefined,
  lost: () => undefined,
  records: (_partition, more) => records.push(...more.map(({ value }) => String(value))),
  failed: (error) => {
    throw error;
  },
});

const {
  AclResourceTypes: Resource,
  ResourcePatternTypes: Pattern,
  AclOperationTypes: Operation,
  AclPermissionTypes: Permission,
} = kafkajs;
const right = (user: string, resourceType: AclResourceTypes, operation: AclOperationTypes): AclEntry => ({
  resourceType,
  resourceName: '*',
  resourcePatternType: Pattern.LITERAL,
  principal: `User:${user}`,
  host: '*',
  operation,
  permissionType: Permission.ALLOW,
});

describe('a broker with TLS and SASL', () => {
  let server: SecuredKafka;
  let admin: Admin;
  const opened: KafkaTransport[] = [];
  beforeAll(async () => {
    server = await startSecuredKafka(USERS);
    admin = new kafkajs.Kafka({
      brokers: [server.plainBrokers],
      logLevel: kafkajs.logLevel.NOTHING,
    }).admin();
    await admin.connect();
    // alice may do everything, bob all but make topics, carol what somebody who reads needs
    await admin.createAcls({
      acl: [
        right('alice', Resource.TOPIC, Operation.ALL),
        right('alice', Resource.GROUP, Operation.ALL),
        ...[Operation.DESCRIBE, Operation.READ, Operation.WRITE].map((operation) =>
          right('bob', Resource.TOPIC, operation),
        ),
        right('bob', Resource.GROUP, Operation.READ),
        ...[Operation.DESCRIBE, Operation.READ].map((operation) => right('carol', Resource.TOPIC, operation)),
        right('carol', Resource.GROUP, Operation.READ),
      ],
    });
  }, SERVER_START_MS);
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((transport) => transport.close()));
  });
  afterAll(async () => {
    await admin.disconnect();
    await server.stop();
  });

  const connect = async (options: Partial<Parameters<typeof createKafkaTransport>[0]>) => {
    const transport = await createKafkaTransport({
      brokers: [server.brokers],
      ssl: { ca: server.ca },
      sessionTimeoutMs: 3_000,
      ...options,
    });
    opened.push(transport);
    return transport;
  };

  it.each(['plain', 'scram-sha-256', 'scram-sha-512'] as const)(
    'is written and read with %s',
    async (mechanism) => {
      const transport = await connect({ sasl: { mechanism, username: 'alice', password: USERS.alice } });
      const topic = freshName('secured');
      await transport.start([{ topic, partitions: 2 }]);
      await transport.publish([{ topic, key: 'k', value: Buffer.from('hidden') }]);
      const records: string[] = [];
      const subscription = await transport.subscribe(topic, freshName('group'), feed(records));
      await eventually(() => records.includes('hidden'));
      await subscription.close();
    },
  );

  it.each(['plain', 'scram-sha-512'] as const)(
    'refuses a wrong password (%s), and we say so',
    async (mechanism) => {
      const transport = await connect({ sasl: { mechanism, username: 'alice', password: 'wrong' } });
      await expect(transport.start([{ topic: 'any', partitions: 1 }])).rejects.toMatchObject({
        code: 'invalid_settings',
        message: expect.stringMatching(/check the credentials/),
      });
    },
  );

  it('is not trusted when nobody vouches for it, and we say what to do', async () => {
    const transport = await connect({
      ssl: true,
      sasl: { mechanism: 'plain', username: 'alice', password: USERS.alice },
    });
    await expect(transport.start([{ topic: 'any', partitions: 1 }])).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringMatching(/certificate.*NODE_EXTRA_CA_CERTS/),
    });
  });

  it('says which topics may not be made', async () => {
    const transport = await connect({
      sasl: { mechanism: 'scram-sha-256', username: 'bob', password: USERS.bob },
    });
    const topic = freshName('forbidden');
    await expect(transport.start([{ topic, partitions: 1 }])).rejects.toMatchObject({
      code: 'invalid_settings',
      message: expect.stringMatching(`create the topics ${topic}.*Grant the right`),
    });
  });

  it('is used by who may not make topics once they are there', async () => {
    const topic = freshName('made');
    const alice = await connect({ sasl: { mechanism: 'plain', username: 'alice', password: USERS.alice } });
    await alice.start([{ topic, partitions: 1 }]);
    const warnings: string[] = [];
    const bob = await connect({
      sasl: { mechanism: 'plain', username: 'bob', password: USERS.bob },
      warn: (message) => warnings.push(message),
    });
    await bob.start([{ topic, partitions: 1 }]);
    expect(warnings).toEqual([expect.stringMatching('does not let us read the topics')]);
    await bob.publish([{ topic, key: 'k', value: Buffer.from('from bob') }]);
    const records: string[] = [];
    const subscription = await bob.subscribe(topic, freshName('group'), feed(records));
    await eventually(() => records.includes('from bob'));
    await subscription.close();
  });

  it('is read again by who may again, and says until then what is missing', async () => {
    const topic = freshName('returned');
    const alice = await connect({ sasl: { mechanism: 'plain', username: 'alice', password: USERS.alice } });
    await alice.start([{ topic, partitions: 1 }]);
    const carol = await connect({ sasl: { mechanism: 'plain', username: 'carol', password: USERS.carol } });
    await carol.start([{ topic, partitions: 1 }]);
    const context = { source: '/test/1', typePrefix: 'com.southwest.ai', deployment: 'dormouse' };
    const strategy = new EventStrategy({
      transport: carol,
      topic,
      group: freshName('group'),
      transportId: Symbol('test'),
      context,
      deadLetterTopic: topic,
      rejoinMs: 100,
    });
    const seen: unknown[] = [];
    strategy.addHandler(EVENT_NAMES.timer, async ({ subject }) => seen.push(subject), true);
    expect(await new Promise((resolve) => strategy.listen(resolve))).toBeUndefined();
    const publish = (sessionId: string): Promise<void> => {
      const fields = { name: EVENT_NAMES.timer, id: sessionId, sessionId, tenant: 'default' };
      const event = buildEvent(context, { ...fields, traceId: 'a'.repeat(32), atMs: 0, data: {} });
      return alice.publish([encodeEvent(topic, event)]);
    };
    await publish('allowed');
    await eventually(() => seen.includes('allowed'));

    const reading = right('carol', Resource.TOPIC, Operation.READ);
    await admin.deleteAcls({ filters: [reading] });
    const dead = await eventually(() => strategy.stats.dead, { timeoutMs: 90_000 });
    expect(dead.message).toMatch(`read ${topic} as a member of group`);
    expect(strategy.ready).toBe(false);
    await publish('allowed again');
    await admin.createAcls({ acl: [reading] });
    await eventually(() => strategy.ready, { timeoutMs: 90_000 });
    expect(seen).toEqual(['allowed', 'allowed again']);
    expect(strategy.stats.dead).toBeNull();
    await strategy.close();
  });

  it('ends the subscription of who may read no more, also where it goes on to be given partitions', async () => {
    const topic = freshName('withdrawn');
    const alice = await connect({ sasl: { mechanism: 'plain', username: 'alice', password: USERS.alice } });
    await alice.start([{ topic, partitions: 1 }]);
    await alice.publish([{ topic, key: 'k', value: Buffer.from('allowed') }]);
    const carol = await connect({ sasl: { mechanism: 'plain', username: 'carol', password: USERS.carol } });
    await carol.start([{ topic, partitions: 1 }]);
    const records: string[] = [];
    const failures: Error[] = [];
    let assignments = 0;
    const subscription = await carol.subscribe(topic, freshName('group'), {
      ...feed(records),
      assigned: () => assignments++,
      failed: (error) => failures.push(error),
    });
    await eventually(() => records.includes('allowed'));
    const before = assignments;
    await admin.deleteAcls({ filters: [right('carol', Resource.TOPIC, Operation.READ)] });
    await eventually(() => failures.length > 0, { timeoutMs: 90_000 });
    expect(failures).toEqual([
      expect.objectContaining({
        code: 'invalid_settings',
        message: expect.stringMatching(`read ${topic} as a member of group .*Grant the right`),
      }),
    ]);
    expect(assignments).toBeGreaterThan(before);
    await subscription.close();
  });

  it.each<[string, Partial<Parameters<typeof createKafkaTransport>[0]>]>([
    ['without TLS', { ssl: false }],
    ['without SASL', {}],
  ])('is not understood %s, and we say where to look', async (_name, options) => {
    const transport = await connect(options);
    await expect(transport.start([{ topic: 'any', partitions: 1 }])).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringMatching('do KAFKA_SSL and KAFKA_SASL_MECHANISM fit'),
    });
  });

  it('TLS spoken to a plain listener is told', async () => {
    const transport = await connect({ brokers: [server.plainBrokers] });
    await expect(transport.start([{ topic: 'any', partitions: 1 }])).rejects.toMatchObject({
      message: expect.stringMatching('do KAFKA_SSL and KAFKA_SASL_MECHANISM fit'),
    });
  });

  it('stops the start of a process that may not make its topics, which says what to grant', async () => {
    const runtime = await RuntimeProcess.create({
      ...freshNames(),
      KAFKA_BROKERS: server.brokers,
      KAFKA_SSL: 'true',
      KAFKA_SASL_MECHANISM: 'scram-sha-512',
      KAFKA_SASL_USERNAME: 'bob',
      KAFKA_SASL_PASSWORD: USERS.bob,
      NODE_EXTRA_CA_CERTS: server.caFile,
      REDIS_URL: await sharedRedis(),
    });
    try {
      await expect(runtime.start()).rejects.toThrow(/left with 1 .*create the topics .*Grant the right/s);
    } finally {
      await runtime.remove();
    }
  });

  it('runs sessions of a process whose settings name mechanism, user, password and authority', async () => {
    const runtime = await RuntimeProcess.create({
      ...freshNames(),
      KAFKA_BROKERS: server.brokers,
      KAFKA_SSL: 'true',
      KAFKA_SASL_MECHANISM: 'scram-sha-512',
      KAFKA_SASL_USERNAME: 'alice',
      KAFKA_SASL_PASSWORD: USERS.alice,
      NODE_EXTRA_CA_CERTS: server.caFile,
      REDIS_URL: await sharedRedis(),
      DORMOUSE_TOOLS: './examples/own-tool/word-count.mjs',
    });
    try {
      await runtime.start();
      const response = await fetch(`${runtime.url}/v1/sessions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          plan: { steps: [{ id: 'a', tool: 'count_words', parameters: { text: 'b' } }] },
        }),
      });
      const { session_id: id } = (await response.json()) as SessionView;
      await eventually(async () => {
        const session = (await (await fetch(`${runtime.url}/v1/sessions/${id}`)).json()) as SessionView;
        return session.status === 'completed';
      });
    } finally {
      await runtime.remove();
    }
  });
});
