import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Engine, type EngineOptions } from './index.js';
import { SEGMENT_HEADER } from './journal.js';

let dir: string;
const engines: Engine[] = [];
const open = async (options: Partial<EngineOptions> = {}): Promise<Engine> => {
  const engine = await Engine.open({ dir, ...options });
  engines.push(engine);
  return engine;
};

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'dormouse-engine-'));
});
afterEach(async () => {
  for (const engine of engines.splice(0)) await engine.close();
  rmSync(dir, { recursive: true, force: true });
});

const get = (engine: Engine, key: string): Promise<string | undefined> =>
  engine.read((view) => view.get(engine.text('aa'), key));
const put = (engine: Engine, key: string, value: string): Promise<void> =>
  engine.move((tx) => tx.put(engine.text('aa'), key, value));
const journals = (): string[] => readdirSync(dir).filter((name) => name.startsWith('journal-'));

describe('a move', () => {
  it('shows its writes to the moves and reads after it at once', async () => {
    const engine = await open();
    const first = put(engine, 'k', 'one');
    const second = engine.move((tx) => tx.get(engine.text('aa'), 'k'));
    const third = get(engine, 'k');
    expect(await second).toBe('one');
    expect(await third).toBe('one');
    await first;
  });

  it('that is ordered answers before its batch is written, and is under what is acknowledged later', async () => {
    const engine = await open();
    const order: string[] = [];
    const writes = (key: string) => engine.move((tx) => tx.put(engine.text('aa'), key, 'x'), 'ordered');
    const acknowledged = put(engine, 'k2', 'later').then(() => order.push('acknowledged'));
    await writes('k1').then(() => order.push('ordered'));
    await acknowledged;
    expect(order).toEqual(['ordered', 'acknowledged']);
    void writes('k3');
    await engine.abandon();
    const again = await open();
    expect([await get(again, 'k1'), await get(again, 'k2'), await get(again, 'k3')]).toEqual([
      'x',
      'later',
      undefined,
    ]);
  });

  it('that is ordered and wrote nothing waits for what it read', async () => {
    const engine = await open();
    const order: string[] = [];
    const written = put(engine, 'k', 'x').then(() => order.push('written'));
    await engine
      .move((tx) => tx.get(engine.text('aa'), 'k'), 'ordered')
      .then((read) => order.push(`read ${String(read)}`));
    await written;
    expect(order).toEqual(['written', 'read x']);
  });

  it('that throws has written nothing and leaves what was there', async () => {
    const engine = await open();
    await put(engine, 'k', 'before');
    const failing = engine.move((tx) => {
      tx.put(engine.text('aa'), 'k', 'after');
      tx.put(engine.text('aa'), 'k2', 'after');
      tx.del(engine.text('aa'), 'k');
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    expect([await get(engine, 'k'), await get(engine, 'k2')]).toEqual(['before', undefined]);
    await put(engine, 'k3', 'x');
    await engine.abandon();
    const again = await open();
    expect([await get(again, 'k'), await get(again, 'k2'), await get(again, 'k3')]).toEqual([
      'before',
      undefined,
      'x',
    ]);
  });

  it('refuses keys that are no printable ASCII, and moves within moves', async () => {
    const engine = await open();
    for (const key of ['', 'ä', 'a\nb', 'x'.repeat(1001)])
      await expect(put(engine, key, 'v')).rejects.toThrow('key');
    let inner: Promise<unknown> = Promise.resolve();
    await engine.move(() => void (inner = put(engine, 'k', 'v')));
    await expect(inner).rejects.toThrow('another');
  });

  it('keeps text of any script, bytes of any length, and empty values', async () => {
    const engine = await open();
    const bytes = Buffer.from([0, 255, 1, 128]);
    const large = Buffer.alloc(3_000_000, 7);
    await engine.move((tx) => {
      tx.put(engine.text('aa'), 'text', 'grüße 🦫 \0 ende');
      tx.put(engine.text('aa'), 'empty', '');
      tx.put(engine.bytes('bb'), 'bytes', bytes);
      tx.put(engine.bytes('bb'), 'large', large);
    });
    await engine.close();
    const again = await open();
    const found = await again.read((view) => [
      view.get(again.text('aa'), 'text'),
      view.get(again.text('aa'), 'empty'),
      view.get(again.bytes('bb'), 'bytes')?.equals(bytes),
      view.get(again.bytes('bb'), 'large')?.equals(large),
    ]);
    expect(found).toEqual(['grüße 🦫 \0 ende', '', true, true]);
  });
});

describe('after a stop without a farewell', () => {
  it('every acknowledged move is there, and no part of the others', async () => {
    const engine = await open();
    await put(engine, 'acknowledged', 'yes');
    const lost = engine.move((tx) => {
      tx.put(engine.text('aa'), 'lost-1', 'x');
      tx.put(engine.text('aa'), 'lost-2', 'x');
    });
    const rejected = expect(lost).rejects.toMatchObject({ code: 'closed' });
    await engine.abandon();
    await rejected;
    const again = await open();
    expect(again.recovery.replayed).toBe(1);
    expect([
      await get(again, 'acknowledged'),
      await get(again, 'lost-1'),
      await get(again, 'lost-2'),
    ]).toEqual(['yes', undefined, undefined]);
  });

  it('a torn end of the journal is dropped, and what is before it stays', async () => {
    const engine = await open();
    await put(engine, 'a', '1');
    await put(engine, 'b', '2');
    await engine.abandon();
    const file = join(dir, journals()[0]!);
    truncateSync(file, statSync(file).size - 1);
    const again = await open();
    expect([await get(again, 'a'), await get(again, 'b')]).toEqual(['1', undefined]);
    expect(again.recovery.tornBytes).toBeGreaterThan(0);
    await put(again, 'b', '3');
    await again.abandon();
    expect(await get(await open(), 'b')).toBe('3');
  });

  /** Changes a byte of the batch at `batch` (0: the first; -1: the last) in a journal file of `count` batches of one size. */
  const damage = (name: string, count: number, batch: number, byte = 50): void => {
    const file = join(dir, name);
    const bytes = readFileSync(file);
    const size = (bytes.length - SEGMENT_HEADER.length) / count;
    const at = SEGMENT_HEADER.length + ((batch + count) % count) * size + byte;
    bytes[at] = bytes[at]! ^ 0x01;
    writeFileSync(file, bytes);
  };

  it('a changed byte is seen by its checksum; in the last batch it is a torn end', async () => {
    const engine = await open();
    await put(engine, 'a', 'x'.repeat(100));
    await engine.abandon();
    damage(journals()[0]!, 1, -1);
    expect(await get(await open(), 'a')).toBeUndefined();
  });

  it.each([
    ['length', 0],
    ['checksum', 4],
    ['number', 8],
    ['rows', 50],
  ])('a batch that is broken (in its %s) with others after it stops the start', async (_what, byte) => {
    const engine = await open();
    for (let i = 0; i < 10; i++) await put(engine, `k${i}`, 'x'.repeat(100));
    await engine.abandon();
    damage(journals()[0]!, 10, 4, byte);
    await expect(open()).rejects.toMatchObject({
      code: 'internal',
      message: expect.stringMatching(/damaged: expected batch 5 after batch 4; came batch 6.*restore a copy/),
    });
    expect(journals()).toHaveLength(1);
  });

  it('a journal file before the last that ends in a torn batch stops the start', async () => {
    const engine = await open({ segmentBytes: 200 });
    for (let i = 0; i < 3; i++) await put(engine, `k${i}`, 'x'.repeat(100));
    await engine.abandon();
    const [first, ...others] = journals().sort();
    for (const name of others) writeFileSync(join(dir, name), SEGMENT_HEADER);
    damage(first!, 2, -1);
    await expect(open()).rejects.toMatchObject({ code: 'internal' });
  });

  it('a broken batch that the rows have already harms nothing', async () => {
    const engine = await open();
    const value = 'x'.repeat(100);
    for (const key of ['a', 'b', 'c']) await put(engine, key, value);
    await engine.abandon();
    const journal = readFileSync(join(dir, journals()[0]!));
    await (await open()).abandon();
    writeFileSync(join(dir, 'journal-0000000001'), journal);
    damage('journal-0000000001', 3, 1);
    const again = await open();
    expect([await get(again, 'a'), await get(again, 'b'), await get(again, 'c')]).toEqual([
      value,
      value,
      value,
    ]);
  });

  it('a missing journal file in the middle stops the start', async () => {
    const engine = await open({ segmentBytes: 200 });
    for (let i = 0; i < 10; i++) await put(engine, `k${i}`, 'x'.repeat(100));
    await engine.abandon();
    expect(journals().length).toBeGreaterThan(2);
    rmSync(join(dir, journals().sort()[1]!));
    await expect(open()).rejects.toMatchObject({ code: 'internal' });
  });

  it('a journal of a later format stops the start', async () => {
    await (await open()).close();
    writeFileSync(join(dir, 'journal-0000000099'), 'dormouse journal 2\nxxxx');
    await expect(open()).rejects.toMatchObject({ code: 'newer_version' });
  });
});

describe('the journal', () => {
  it('shrinks when its rows are in the tree, and is gone after a close', async () => {
    const engine = await open({ segmentBytes: 1000 });
    const until = async (done: () => boolean): Promise<void> => {
      for (let i = 0; !done(); i++) await put(engine, `k${i}`, 'x'.repeat(500));
    };
    await until(() => journals().length > 3);
    const most = journals().length;
    await until(() => journals().length < most);
    expect(await get(engine, 'k0')).toBe('x'.repeat(500));
    await engine.close();
    expect(journals()).toEqual([]);
    const again = await open();
    expect(again.recovery.replayed).toBe(0);
    expect(await get(again, 'k0')).toBe('x'.repeat(500));
  });
});

describe('durability power', () => {
  it('acknowledges in order and keeps what it acknowledged', async () => {
    const engine = await open({ durability: 'power' });
    const order: number[] = [];
    await Promise.all(
      Array.from({ length: 50 }, async (_, i) => {
        await put(engine, `k${i}`, String(i));
        order.push(i);
      }),
    );
    expect(order).toEqual([...order].sort((a, b) => a - b));
    await engine.abandon();
    const again = await open();
    expect(await get(again, 'k49')).toBe('49');
  });
});

describe('a write error', () => {
  it('stops the engine for good and says so', async () => {
    const engine = await open();
    await put(engine, 'a', '1');
    const journal = (engine as unknown as { journal: { append: () => void } }).journal;
    journal.append = () => {
      throw new Error('ENOSPC');
    };
    await expect(put(engine, 'b', '2')).rejects.toMatchObject({ code: 'unavailable', retryable: true });
    await expect(put(engine, 'c', '3')).rejects.toMatchObject({ code: 'unavailable' });
    await expect(get(engine, 'a')).rejects.toMatchObject({ code: 'unavailable' });
    expect(await engine.failed).toMatchObject({ code: 'unavailable' });
    await engine.close();
    expect(await get(await open(), 'a')).toBe('1');
  });
});

it('after close, moves and reads reject with closed', async () => {
  const engine = await open();
  const last = put(engine, 'k', 'v');
  await engine.close();
  await last;
  await expect(put(engine, 'k', 'w')).rejects.toMatchObject({ code: 'closed' });
  await expect(get(engine, 'k')).rejects.toMatchObject({ code: 'closed' });
});

it('the clock never goes back', async () => {
  let time = 1000;
  const engine = await open({ clock: () => time });
  expect(engine.now()).toBe(1000);
  time = 900;
  expect(engine.now()).toBe(1000);
  time = 1001;
  expect(engine.now()).toBe(1001);
});
