import { describe, expect, it } from '@jest/globals';
import { type DeadLetter, RECORD_VERSION } from '#contracts';
import type { DeadLetterQuery, DeadLetterStore } from '#state';
import {
  type TestBedFactory,
  freshBeds,
  openSeveral,
  DEFAULT_SUITE_CAPABILITIES,
} from '../contract/test-bed.js';
import { settles } from '../eventually.js';
import { noLeftovers } from '../leftovers.js';

/** How long the beds of this suite keep a letter, ms. */
export const SUITE_DEAD_LETTER_RETENTION_MS = 60_000;

let made = 0;
const letter = (over: Partial<DeadLetter> = {}): Omit<DeadLetter, 'at'> => {
  const offset = over.offset ?? ++made;
  return {
    v: RECORD_VERSION,
    id: `agent.intent.3.${offset}.dead`,
    tenant: 'default',
    reason: 'invalid_event',
    error: 'expected a CloudEvent, came text',
    topic: 'agent.intent',
    partition: 3,
    deliveries: 1,
    attempts: 0,
    key: 'sess-A',
    headers: { 'content-type': 'application/json' },
    ours: false,
    ...over,
    offset,
  };
};

/**
 * What every {@link DeadLetterStore} promises, as tests. Its beds keep letters for
 * {@link SUITE_DEAD_LETTER_RETENTION_MS}.
 */
export const deadLetterStoreContract = (
  name: string,
  factory: TestBedFactory<DeadLetterStore>,
  capabilities: { shared: boolean; clock: 'moved' | 'real' },
): void => {
  describe(`dead letter store: ${name}`, () => {
    noLeftovers();
    const bed = freshBeds(factory);
    const idsOf = async (store: DeadLetterStore, query: Partial<DeadLetterQuery> = {}): Promise<string[]> => {
      const page = await store.list({ tenant: 'default', limit: 50, ...query });
      return page.letters.map((kept) => kept.letter.id);
    };

    it('keeps a letter with the very bytes of its record', async () => {
      const store = await bed().open();
      const value = Buffer.from([0, 255, 10, 13, 128]);
      const kept = await store.put(letter({ key: null }), value);
      expect(kept.at).toBeGreaterThan(0);
      const got = await store.get(kept.id);
      expect(got).toEqual({ letter: kept, redriven: [], value });
      const none = await store.put(letter(), null);
      expect((await store.get(none.id))?.value).toBeNull();
      const empty = await store.put(letter(), Buffer.alloc(0));
      expect((await store.get(empty.id))?.value).toEqual(Buffer.alloc(0));
      expect(await store.get('nobody.knows.0.0.dead')).toBeNull();
    });

    it('takes the same id for the same letter', async () => {
      const store = await bed().open();
      const one = letter();
      const first = await store.put(one, Buffer.from('first'));
      await store.markRedriven(one.id, { by: 'mara' });
      expect(await store.put({ ...one, reason: 'poison' }, Buffer.from('second'))).toEqual(first);
      const got = await store.get(one.id);
      expect(got?.value?.toString()).toBe('first');
      expect(got?.redriven).toHaveLength(1);
      await settles(async () => expect(await idsOf(store)).toEqual([one.id]));
    });

    it('lists the letters of one tenant, newest first, in pages', async () => {
      const store = await bed().open();
      const ids: string[] = [];
      for (let i = 0; i < 7; i++) {
        ids.unshift((await store.put(letter({ tenant: 'ours' }), null)).id);
        await bed().advance(2);
      }
      await store.put(letter({ tenant: 'theirs' }), null);
      await settles(async () => expect(await idsOf(store, { tenant: 'ours' })).toEqual(ids));
      const seen: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await store.list({
          tenant: 'ours',
          limit: 3,
          ...(cursor === undefined ? {} : { cursor }),
        });
        seen.push(...page.letters.map((kept) => kept.letter.id));
        cursor = page.nextCursor;
        // one that comes meanwhile is newer than the pages to come
        await store.put(letter({ tenant: 'ours' }), null);
      } while (cursor !== undefined);
      expect(seen).toEqual(ids);
      await expect(store.list({ tenant: 'ours', limit: 3, cursor: 'bm90aGluZw' })).rejects.toMatchObject({
        code: 'invalid_cursor',
      });
    });

    it('filters by reason, topic, session and whether it was published again', async () => {
      const store = await bed().open();
      const poison = await store.put(letter({ reason: 'poison', session_id: 'sess-P' }), null);
      await bed().advance(2);
      const there = await store.put(letter({ topic: 'agent.observation', session_id: 'sess-P' }), null);
      await bed().advance(2);
      const plain = await store.put(letter(), null);
      await store.markRedriven(there.id, { by: 'mara', reason: 'it was fixed' });
      const cases: [Partial<DeadLetterQuery>, DeadLetter[]][] = [
        [{ reason: 'poison' }, [poison]],
        [{ topic: 'agent.observation' }, [there]],
        [{ sessionId: 'sess-P' }, [there, poison]],
        [{ redriven: true }, [there]],
        [{ redriven: false }, [plain, poison]],
        [{ redriven: false, sessionId: 'sess-P' }, [poison]],
        [{ reason: 'poison', topic: 'agent.observation' }, []],
      ];
      for (const [query, expected] of cases)
        await settles(async () => expect(await idsOf(store, query)).toEqual(expected.map(({ id }) => id)));
    });

    it('remembers each time it was published again, and by whom', async () => {
      const store = await bed().open();
      const { id } = await store.put(letter(), Buffer.from('{}'));
      const first = await store.markRedriven(id, { by: 'mara', reason: 'tried' });
      await bed().advance(2);
      const second = await store.markRedriven(id, { by: 'jon' });
      expect((await store.get(id))?.redriven).toEqual([first, second]);
      expect(first).toMatchObject({ by: 'mara', reason: 'tried' });
      await store.markRedriven('nobody.knows.0.0.dead', { by: 'jon' });
      expect(await store.get('nobody.knows.0.0.dead')).toBeNull();
    });

    it('has what was acknowledged after a crash, and in every process', async () => {
      const [store, other = store] = await openSeveral(
        bed(),
        { ...DEFAULT_SUITE_CAPABILITIES, ...capabilities },
        2,
      );
      const { id } = await store.put(letter(), Buffer.from('{"a":1}'));
      await store.markRedriven(id, { by: 'mara' });
      expect((await other.get(id))?.redriven).toHaveLength(1);
      await bed().crash();
      const next = await bed().open();
      expect((await next.get(id))?.value?.toString()).toBe('{"a":1}');
      expect(await idsOf(next)).toEqual([id]);
    });

    if (capabilities.clock === 'moved')
      it('forgets letters after the retention time', async () => {
        const store = await bed().open();
        const old = await store.put(letter(), Buffer.from('{}'));
        await bed().advance(SUITE_DEAD_LETTER_RETENTION_MS + 1);
        expect(await store.get(old.id)).toBeNull();
        expect(await idsOf(store)).toEqual([]);
        const next = await store.put(letter(), null);
        expect(await idsOf(store)).toEqual([next.id]);
      });
  });
};
