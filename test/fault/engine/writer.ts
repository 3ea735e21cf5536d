// A process that opens a folder and writes as fast as it can until it is killed. Prints a line per event:
// `open`, `refused <code>`, and for each acknowledged move its number.
import { writeSync } from 'node:fs';
import { DormouseError } from '#contracts';
import { Engine } from '#engine';
import { ROWS, rowValue, TABLE } from './written.js';

const pause = new Int32Array(new SharedArrayBuffer(4));

/** Returns when the reader's pipe has the line: nothing printed is lost by a kill. */
const say = (line: string): void => {
  const bytes = Buffer.from(`${line}\n`);
  for (let at = 0; at < bytes.length;) {
    try {
      at += writeSync(1, bytes, at);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      Atomics.wait(pause, 0, 0, 1);
    }
  }
};

const [dir = '', durability, from = '0', atOnce = '32'] = process.argv.slice(2);

const write = async (): Promise<void> => {
  const engine = await Engine.open({
    dir,
    durability: durability === 'power' ? 'power' : 'process',
    segmentBytes: 1 << 20,
  });
  say('open');
  let next = Number(from);
  const writer = async (): Promise<void> => {
    for (;;) {
      const number = next++;
      await engine.move((tx) => {
        for (let row = 0; row < ROWS; row++)
          tx.put(engine.text(TABLE), `${number}|${row}`, rowValue(number, row));
        // a row that all moves share: its value tells the latest
        tx.put(engine.text(TABLE), 'latest', String(number));
      });
      say(String(number));
    }
  };
  if (atOnce === '0') setInterval(() => undefined, 1000);
  await Promise.all(Array.from({ length: Number(atOnce) }, writer));
};

write().catch((error: unknown) => {
  say(`refused ${DormouseError.is(error) ? error.code : String(error)}`);
  process.exitCode = 1;
});
