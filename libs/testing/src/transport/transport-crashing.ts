import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { PartitionPosition } from '#transport';
import { propertyRuns } from '../contract/seed.js';
import { settleAll } from '../contract/refusals.js';
import { eventually } from '../eventually.js';
import { Member } from './member.js';
import { PARTITIONS, Scene, type TransportSuite } from './transport-suite.js';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const RUNS = 60;

type Move =
  | { kind: 'publish'; keys: number[] }
  | { kind: 'join' }
  | { kind: 'leave' }
  | { kind: 'commit'; share: number }
  | { kind: 'restart' }
  | { kind: 'crash' };

const anyMove: fc.Arbitrary<Move> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('publish' as const),
      keys: fc.array(fc.nat({ max: 11 }), { minLength: 1, maxLength: 10 }),
    }),
  },
  { weight: 2, arbitrary: fc.constant({ kind: 'join' as const }) },
  { weight: 2, arbitrary: fc.constant({ kind: 'leave' as const }) },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('commit' as const), share: fc.constantFrom(0, 0.5, 1) }),
  },
  { weight: 1, arbitrary: fc.constantFrom({ kind: 'restart' as const }, { kind: 'crash' as const }) },
);

/** A group under random moves: what it committed and what it must still get. */
class Run {
  private readonly counts = new Map<string, number>();
  private readonly expected = new Map<number, PartitionPosition>();
  private members: Member[] = [];
  private published = 0;

  constructor(private readonly scene: Scene) {}

  async play(moves: readonly Move[]): Promise<void> {
    for (const move of moves) await this.one(move);
    await this.finish();
  }

  private async one(move: Move): Promise<void> {
    const { scene } = this;
    switch (move.kind) {
      case 'publish': {
        const records = move.keys.map((key) => {
          const n = this.counts.get(`k${key}`) ?? 0;
          this.counts.set(`k${key}`, n + 1);
          return scene.record(`k${key}`, n);
        });
        this.published += records.length;
        return scene.publish(...records);
      }
      case 'join':
        this.members.push(await scene.join());
        return;
      case 'leave': {
        const member = this.members.shift();
        if (member !== undefined) await scene.leave(member);
        return;
      }
      case 'commit':
        for (const member of this.members) await this.commit(member, move.share);
        return;
      case 'restart':
        await scene.reopen();
        this.members = [];
        return;
      case 'crash':
        await scene.crash();
        this.members = [];
        return;
    }
  }

  private async commit(member: Member, share: number): Promise<void> {
    const positions = member.partitions.map((partition): PartitionPosition => {
      const begun = member.owned.get(partition)!.offset;
      const came = member.received.filter((r) => r.partition === partition && r.offset >= begun);
      const offset = begun + Math.floor(new Set(came.map((r) => r.offset)).size * share);
      return { partition, offset, metadata: `at ${offset}` };
    });
    const reply = await member.commit(positions);
    for (const position of positions) {
      // a fenced commit may have been written in part
      if (reply === 'fenced') this.expected.delete(position.partition);
      else this.expected.set(position.partition, position);
    }
    if (reply === 'fenced') expect(member.lostPartitions.length).toBeGreaterThan(0);
  }

  /** A last member alone gets everything from the committed positions on, each key in order. */
  private async finish(): Promise<void> {
    const { scene } = this;
    await scene.reopen();
    const last = await (await scene.join()).has(scene.partitions);
    for (const [partition, position] of this.expected) expect(last.owned.get(partition)).toEqual(position);
    const begun = [...last.owned.values()].reduce((sum, { offset }) => sum + offset, 0);
    await last.got(this.published - begun);
    const probe = await (await scene.join(`${scene.group}-probe`)).got(this.published);
    const byKey = new Map<string, number>();
    for (const text of probe.texts) {
      const [key = '', n] = text.split('#');
      expect(Number(n)).toBe(byKey.get(key) ?? 0);
      byKey.set(key, Number(n) + 1);
    }
    expect(byKey).toEqual(this.counts);
    const wanted = probe.received.filter((r) => r.offset >= last.owned.get(r.partition)!.offset);
    expect(last.received).toHaveLength(wanted.length);
    scene.checkAll();
  }
}

export const transportCrashing = ({ bed, makeBed, scene, capabilities }: TransportSuite): void => {
  describe('a crash', () => {
    it('loses no record that was acknowledged, and leaves no gap in a key', async () => {
      const s = await scene();
      const KEYS = 20;
      const acknowledged = Array.from({ length: KEYS }, () => -1);
      let over = false;
      const crashed = () => over;
      const publishers = settleAll(
        acknowledged.map(async (_, k) => {
          for (let n = 0; !crashed(); n++) {
            await s.publish(s.record(`k${k}`, n));
            if (!crashed()) acknowledged[k] = n;
            // whatever the driver does, time goes on
            await turn();
          }
        }),
      );
      await eventually(() => Math.min(...acknowledged) >= 5, { timeoutMs: 15_000 });
      over = true;
      await s.crash();
      await publishers;
      const least = acknowledged.reduce((sum, n) => sum + n + 1, 0);
      const member = await (await s.join()).got(least);
      await eventually(async () => {
        const lag = await s.transport.lag(s.topic, s.group);
        return member.texts.length === lag.reduce((sum, row) => sum + row.end, 0);
      });
      const numbers = new Map<string, number[]>();
      for (const text of member.texts) {
        const [key = '', n] = text.split('#');
        numbers.set(key, [...(numbers.get(key) ?? []), Number(n)]);
      }
      for (const [k, latest] of acknowledged.entries()) {
        const got = numbers.get(`k${k}`)!;
        expect(got).toEqual(Array.from({ length: got.length }, (_, i) => i));
        expect(got.length).toBeGreaterThan(latest);
      }
    }, 30_000);

    it.each([0, 1, 2, 3, 5])(
      'within a publish and a commit (%i turns) tears no record and no position',
      async (turns) => {
        const s = await scene();
        await s.publishMany(8, 2);
        const member = await (await s.join()).got(16);
        const before = await s.committed();
        const batch = Array.from({ length: 50 }, (_, n) => s.record('torn', n));
        const cut = settleAll<unknown>([s.publish(...batch), member.commitAll(undefined, 'whole')]);
        const wanted = member.partitions.map((p) => member.received.filter((r) => r.partition === p).length);
        for (let i = 0; i < turns; i++) await turn();
        await s.crash();
        await cut;
        const committed = await s.committed();
        for (const partition of member.partitions) {
          expect([before[partition], wanted[partition]]).toContain(committed[partition]);
        }
        const next = await (await s.join()).has(PARTITIONS);
        for (const { offset, metadata, partition } of next.owned.values()) {
          if (before[partition] !== wanted[partition])
            expect(metadata).toBe(offset === wanted[partition] ? 'whole' : '');
        }
        await s.publish(s.record('after', 0));
        const probe = await s.join('probe');
        await eventually(() => probe.texts.includes('after#0'));
        const torn = probe.texts
          .filter((text) => text.startsWith('torn#'))
          .map((text) => Number(text.split('#')[1]));
        expect(torn).toEqual(Array.from({ length: torn.length }, (_, i) => i));
        s.checkAll();
      },
    );

    it('between any two moves of a consumer repeats what is not committed and nothing else', async () => {
      const STEPS = 6;
      for (let k = 0; k <= STEPS; k++) {
        const own = await makeBed();
        try {
          const s = await Scene.open(own, 1);
          let member = await s.join();
          for (let n = 0; n < STEPS; n++) {
            await s.publish(s.record('k', n));
            await eventually(() => member.received.some((r) => r.offset === n));
            if (n === k) {
              await s.crash();
              member = await s.join();
              await eventually(() => member.received.some((r) => r.offset === n));
              expect(member.received.map((r) => r.offset)).toEqual([n]);
            }
            expect(await member.commit([{ partition: 0, offset: n + 1, metadata: String(n) }])).toBe(
              'committed',
            );
          }
          expect(await s.committed()).toEqual([STEPS]);
        } finally {
          await own.dispose();
        }
      }
    }, 30_000);
  });

  describe('random publishing, joining, leaving, committing, restarts and crashes', () => {
    it('lose no record, put no key out of order and keep every committed position', async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(anyMove, { maxLength: 25, size: 'max' }), async (moves) => {
          const own = await makeBed();
          try {
            await new Run(await Scene.open(own, 3)).play(moves);
          } finally {
            await own.dispose();
          }
        }),
        propertyRuns(
          'transport, random moves',
          RUNS * capabilities.randomRuns * (capabilities.clock === 'moved' ? 1 : 0.2),
        ),
      );
    }, 120_000);
  });

  it('no feed is called any more once the transport is closed', async () => {
    const transport = await bed().open();
    await transport.start([{ topic: 'alone', partitions: 1 }]);
    const member = await Member.join(transport, 'alone', 'group');
    await member.has(1);
    await transport.close();
    const { calls } = member;
    for (let i = 0; i < 5; i++) await turn();
    expect(member.calls).toBe(calls);
  });
};
