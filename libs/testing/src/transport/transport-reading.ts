import { describe, expect, it } from '@jest/globals';
import { type LogRecord, readTopic } from '#transport';
import { eventually } from '../eventually.js';
import { freshName } from '../fresh-name.js';
import type { TransportSuite } from './transport-suite.js';

/** What is asked about groups and topics, and the reading of a topic from its beginning to its end. */
export const transportReading = ({ scene }: TransportSuite): void => {
  describe('a group', () => {
    it('has the members that joined and have not left', async () => {
      const s = await scene();
      expect(await s.transport.members(s.topic, s.group)).toBe(0);
      const member = await (await s.join()).has(s.partitions);
      expect(await s.transport.members(s.topic, s.group)).toBe(1);
      await s.leave(member);
      await eventually(async () => (await s.transport.members(s.topic, s.group)) === 0);
    });
  });

  describe('a topic', () => {
    it('tells how long it keeps its records', async () => {
      const s = await scene();
      const topic = freshName('kept');
      await s.transport.start([{ topic, partitions: 1, retentionMs: 3_600_000 }]);
      // a driver with one retention for all topics has its own
      expect(await s.transport.retentionMs(topic)).toBeGreaterThanOrEqual(3_600_000);
    });
  });

  describe('the description of topics', () => {
    it('is that of each in turn, and says which are not there, before anything is started', async () => {
      const s = await scene(3);
      const [own, none] = await s.transport.describe([s.topic, freshName('nowhere')]);
      expect(own).toMatchObject({ topic: s.topic, partitions: 3, compacted: false });
      expect(own?.replicas).toBeGreaterThanOrEqual(1);
      expect(own?.retentionMs).toBeGreaterThan(0);
      expect(own?.maxBatchBytes).toBeGreaterThanOrEqual(s.transport.capabilities.maxRecordBytes);
      expect(none?.partitions).toBe(0);
      // it made none
      await expect(s.transport.retentionMs(none?.topic ?? '')).rejects.toMatchObject({
        code: 'invalid_request',
      });
    });
  });

  describe('reading a topic to its end', () => {
    const read = async (
      { transport, topic }: Awaited<ReturnType<typeof scene>>,
      each: (records: readonly LogRecord[]) => boolean = () => true,
    ): Promise<LogRecord[]> => {
      const all: LogRecord[] = [];
      await readTopic(transport, topic, freshName('reader'), (records) => {
        all.push(...records);
        return each(records);
      });
      return all;
    };

    it('brings every record once, in order of its partition, and leaves no trace in other groups', async () => {
      const s = await scene();
      const published = await s.publishMany(30, 10);
      const all = await read(s);
      expect(all.map(({ value }) => value?.toString()).sort()).toEqual([...published].sort());
      for (const partition of new Set(all.map((record) => record.partition))) {
        const offsets = all.filter((r) => r.partition === partition).map(({ offset }) => offset);
        expect(offsets).toEqual([...offsets].sort((a, b) => a - b));
      }
      expect((await (await s.join()).got(300)).received).toHaveLength(300);
    });

    it('ends at once where there is nothing', async () => {
      expect(await read(await scene())).toEqual([]);
    });

    it('ends where the topic ended when it began', async () => {
      const s = await scene(1);
      await s.publishMany(1, 5);
      let published = false;
      const all = await read(s, () => {
        if (!published) void s.publishMany(1, 5, 'later');
        published = true;
        return true;
      });
      expect(all.filter(({ key }) => key === 'k0')).toHaveLength(5);
      expect(all.filter(({ key }) => key !== 'k0')).toEqual([]);
    });

    it('ends when it is told to', async () => {
      const s = await scene(1);
      await s.publishMany(1, 5);
      expect((await read(s, () => false)).length).toBeGreaterThan(0);
    });
  });
};
