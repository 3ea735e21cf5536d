import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import { crc32c } from './crc32c.js';
import { encodingAtOnce, produceTable } from './produce-encoder.js';

const NOW = 1_790_000_000_123;

const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array));
const headers = fc.option(fc.dictionary(fc.string(), fc.oneof(fc.string(), bytes, fc.array(fc.string()))), {
  nil: undefined,
});
const message = fc.record({ key: fc.option(bytes), value: fc.option(bytes), headers }).map((given) => {
  const { headers: named, ...rest } = given;
  return named === undefined ? rest : { ...rest, headers: named };
});
const partition = fc.record({
  partition: fc.nat(1000),
  firstSequence: fc.nat(),
  messages: fc.array(message, { minLength: 1, maxLength: 80 }),
});
const parameters = fc.record({
  acks: fc.constant(-1),
  timeout: fc.nat(),
  compression: fc.constant(0),
  producerId: fc.oneof(fc.nat(), fc.bigInt({ min: 0n, max: 2n ** 62n }).map(String)),
  producerEpoch: fc.nat(30_000),
  topicData: fc.array(
    fc.record({ topic: fc.string({ minLength: 1 }), partitions: fc.array(partition, { maxLength: 4 }) }),
    { maxLength: 2 },
  ),
});

beforeEach(() => {
  jest.useFakeTimers({ now: NOW, doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate'] });
});
afterEach(() => {
  jest.useRealTimers();
});

describe('a produce request', () => {
  it.each([3, 5, 7])('of version %i has the bytes that kafkajs gives it', async (version) => {
    const own = produceTable().protocol({ version });
    const atOnce = encodingAtOnce(own);
    await fc.assert(
      fc.asyncProperty(parameters, async (given) => {
        const expected = await own(given).request.encode();
        const encoded = await atOnce(given).request.encode();
        expect(encoded.buffer.equals(expected.buffer)).toBe(true);
        expect(encoded.buf).toBe(encoded.buffer);
      }),
      { numRuns: 60 },
    );
  });

  it('keeps all else of kafkajs, and is left to it where it holds more', async () => {
    const own = produceTable().protocol({ version: 7 });
    const plain = {
      acks: -1,
      timeout: 1,
      producerId: 5,
      producerEpoch: 0,
      topicData: [
        { topic: 't', partitions: [{ partition: 0, firstSequence: 3, messages: [{ value: 'x' }] }] },
      ],
    };
    const timed = {
      ...plain,
      topicData: [
        {
          topic: 't',
          partitions: [{ partition: 0, firstSequence: 3, messages: [{ value: 'x', timestamp: '99' }] }],
        },
      ],
    };
    const of = (given: Parameters<typeof own>[0]) => encodingAtOnce(own)(given);
    expect(Object.keys(of(plain))).toEqual(Object.keys(own(plain)));
    for (const given of [timed, { ...plain, transactionalId: 'one' }, { ...plain, compression: 1 }]) {
      const expected = await own(given).request.encode();
      expect((await of(given).request.encode()).buffer.equals(expected.buffer)).toBe(true);
    }
  });
});

describe('the checksum', () => {
  // RFC 3720, appendix B.4
  it.each([
    ['zeros', Buffer.alloc(32, 0), 0x8a9136aa],
    ['ones', Buffer.alloc(32, 0xff), 0x62a8ab43],
    ['rising bytes', Buffer.from(Array.from({ length: 32 }, (_, i) => i)), 0x46dd794e],
  ])('of 32 %s is what its standard says', (_, given, expected) => {
    expect(crc32c(given, 0)).toBe(expected);
    expect(crc32c(Buffer.concat([Buffer.from('abc'), given]), 3)).toBe(expected);
  });
});
