import { Redis } from 'ioredis';
import { eventually } from '#testing';

/** What a Redis was asked: commands of clients, each a round trip unless it travels with others, and bytes. */
export interface Asked {
  /** of each session that was named in a command, how many commands of each name; a batch of many counts for none */
  bySession: Map<string, Record<string, number>>;
  bytes: number;
}

const SESSION = /sess-[0-9A-Z]{26}/g;

/** Listens to all that is sent to the server while `run` runs, and until it is quiet. */
export const listen = async (url: string, run: () => Promise<unknown>): Promise<Asked> => {
  const client = new Redis(url);
  const ear = await client.monitor();
  try {
    const bySession: Asked['bySession'] = new Map();
    let heard = 0;
    ear.on('monitor', (_time: string, words: string[], source: string) => {
      // a script's own commands make no round trip
      if (source === 'lua') return;
      const sessions = new Set(words.join(' ').match(SESSION));
      heard += sessions.size;
      const [only] = sessions;
      if (only === undefined || sessions.size > 1) return;
      const counts = bySession.get(only) ?? {};
      const [command = ''] = words;
      counts[command.toLowerCase()] = (counts[command.toLowerCase()] ?? 0) + 1;
      bySession.set(only, counts);
    });
    const before = await bytesIn(client);
    await run();
    let last = -1;
    await eventually(
      () => {
        const quiet = heard === last;
        last = heard;
        return quiet;
      },
      { everyMs: 200, what: 'nothing more is asked' },
    );
    return { bySession, bytes: (await bytesIn(client)) - before };
  } finally {
    ear.disconnect();
    client.disconnect();
  }
};

const bytesIn = async (client: Redis): Promise<number> =>
  Number(/^total_net_input_bytes:(\d+)/m.exec(await client.info('stats'))?.[1]);
