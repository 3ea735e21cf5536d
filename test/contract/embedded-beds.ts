import { copyFileSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Durability, Engine, keyPart, type Table, timePart, type Transaction, type View } from '#engine';
import { EmbeddedSessionStore } from '#state';
import { type SessionBed, type TestBed, fakeClock, tempDir, type WakeDamage } from '#testing';

/** Which part of a folder's life a copy of its files keeps: what a process killed now would leave. */
const copyFiles = (from: string, to: string): void => {
  mkdirSync(to, { recursive: true });
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) copyFiles(source, target);
    // sockets of the one who holds the folder die with it; LMDB's lock file is about readers that are gone
    else if (entry.isFile() && !entry.name.endsWith('-lock')) copyFileSync(source, target);
  }
};

/** Counts the rows that moves and reads look at and write, from now on. */
const countRows = (view: View | Transaction, add: (rows: number) => void): void => {
  const { get, range } = view;
  view.get = function (...args) {
    add(1);
    return get.apply(this, args) as never;
  };
  view.range = function (...args) {
    const rows = range.apply(this, args);
    add(rows.length);
    return rows as never;
  };
  if (!('put' in view)) return;
  const { put, del } = view;
  view.put = function (...args) {
    add(1);
    put.apply(this, args);
  };
  view.del = function (...args) {
    add(1);
    del.apply(this, args);
  };
};

export interface BedOptions {
  durability?: Durability;
  /** the bed's `touched` counts */
  countsRows?: boolean;
}

/**
 * A folder, the engine on it, and one driver on that. A crash is a copy of the files as they are at that moment, on
 * which the next engine recovers; the one before never gets to write there.
 */
export const embeddedBed =
  <Port extends { close(): Promise<void> }>(driver: (engine: Engine) => Port, options: BedOptions = {}) =>
  async (): Promise<TestBed<Port> & { engine: () => Engine }> => {
    const folder = tempDir('dormouse-contract');
    const clock = fakeClock();
    let life = 0;
    let engine: Engine | undefined;
    let touched = 0;
    const dir = () => join(folder.path, `life-${life}`);
    return {
      engine: () => {
        if (engine === undefined) throw new Error('the bed is open only after open()');
        return engine;
      },
      open: async () => {
        await engine?.close();
        engine = await Engine.open({
          dir: dir(),
          clock: clock.now,
          durability: options.durability ?? 'process',
        });
        if (options.countsRows === true) {
          const add = (rows: number) => (touched += rows);
          await engine.move((tx) => countRows(tx, add));
          await engine.read((view) => countRows(view, add));
        }
        return driver(engine);
      },
      crash: async () => {
        const dead = engine;
        engine = undefined;
        const left = dir();
        life++;
        copyFiles(left, dir());
        await dead?.abandon();
      },
      advance: (ms) => clock.advance(ms),
      touched: () => touched,
      dispose: async () => {
        await engine?.close();
        folder.remove();
      },
    };
  };

/** Breaks the rows of wake-ups, as an error in the driver would. */
const damageOf = (engine: () => Engine): WakeDamage => {
  const move = (change: (tx: Transaction, tables: Record<'bySession' | 'byTime', Table<string>>) => void) =>
    engine().move((tx) => {
      change(tx, { bySession: engine().text('sw'), byTime: engine().text('st') });
    });
  const timeKey = (at: number | string, session: string): string => `${timePart(Number(at))}|${session}`;
  const remove = (sessionId: string) =>
    move((tx, { bySession, byTime }) => {
      const session = keyPart(sessionId);
      const at = tx.get(bySession, session);
      if (at !== undefined) tx.del(byTime, timeKey(at, session));
      tx.del(bySession, session);
    });
  return {
    remove,
    set: async (sessionId, at) => {
      await remove(sessionId);
      await move((tx, { bySession, byTime }) => {
        tx.put(bySession, keyPart(sessionId), String(at));
        tx.put(byTime, timeKey(at, keyPart(sessionId)), sessionId);
      });
    },
    misplace: (sessionId, at) =>
      move((tx, { byTime }) => {
        tx.put(byTime, timeKey(at, keyPart(sessionId)), sessionId);
      }),
    strays: true,
  };
};

/** As {@link embeddedBed}, for sessions. */
export const embeddedSessionBed =
  (options: BedOptions = {}) =>
  async (): Promise<SessionBed> => {
    const bed = await embeddedBed((engine) => new EmbeddedSessionStore(engine), options)();
    return { ...bed, wakes: damageOf(bed.engine) };
  };
