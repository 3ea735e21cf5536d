import { randomBytes } from 'node:crypto';
import { readdirSync, renameSync, rmSync } from 'node:fs';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DormouseError } from '#contracts';
import { folderError } from './engine.errors.js';
import { type ShortFolder, shortFolder } from './short-path.js';

const NAME = /^holder-[0-9a-f]{16}\.sock$/;
/** room for `holder-<16>.sock.new` in a socket's address */
const NAME_BYTES = 31;
/** A holder whose event loop is busy answers late; that somebody listens is told by the system at once. */
const ANSWER_MS = 1000;
const CANDIDATE_PAUSE_MS = 10;

/** What a holder tells whoever asks. */
export interface Holder {
  state: 'candidate' | 'holder';
  /** the socket's name */
  name: string;
  pid: number;
  host: string;
  since: string;
}
/** `unknown`: somebody listens but doesn't answer. */
type Answer = 'dead' | 'unknown' | Holder;

/**
 * Exclusive use of a folder, by a unix socket in it on which the holder listens. A process that was killed leaves a
 * socket nobody listens on; process ids, which mean nothing in another container, aren't needed.
 *
 * Each opener listens under a name of its own first and then asks all others. Of two at once the later one to be seen
 * sees the other: so at most one finds nobody. Between two that are still asking, the smaller name goes on.
 */
export class FolderLock {
  private constructor(
    private readonly dir: string,
    private readonly short: ShortFolder,
    private readonly server: Server,
    private readonly self: Holder,
    private readonly open: Set<Socket>,
  ) {}

  /** @throws DormouseError `data_dir_in_use`, `invalid_settings` (no sockets possible there) */
  static async take(dir: string): Promise<FolderLock> {
    const short = shortFolder(dir, NAME_BYTES);
    const self: Holder = {
      state: 'candidate',
      name: `holder-${randomBytes(8).toString('hex')}.sock`,
      pid: process.pid,
      host: hostname(),
      since: new Date().toISOString(),
    };
    const open = new Set<Socket>();
    const server = createServer((socket) => {
      open.add(socket);
      socket.on('close', () => open.delete(socket)).on('error', () => undefined);
      socket.end(JSON.stringify(self));
    });
    try {
      await listen(server, `${short.path}/${self.name}.new`);
      // visible only now that it listens: a socket that refuses is taken for a dead process's
      renameSync(join(dir, `${self.name}.new`), join(dir, self.name));
    } catch (error) {
      server.close();
      short.release();
      throw folderError(dir, 'can hold no unix socket', error);
    }
    server.unref();
    const lock = new FolderLock(dir, short, server, self, open);
    try {
      await lock.outlast();
    } catch (error) {
      await lock.release();
      throw error;
    }
    self.state = 'holder';
    return lock;
  }

  /** Gives the folder free. */
  async release(): Promise<void> {
    rmSync(join(this.dir, this.self.name), { force: true });
    for (const socket of this.open) socket.destroy();
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
    this.short.release();
  }

  /** Resolves when nobody else is here; rejects when somebody has, or gets, the better right. */
  private async outlast(): Promise<void> {
    for (;;) {
      const others = readdirSync(this.dir).filter((name) => NAME.test(name) && name !== this.self.name);
      let waiting = false;
      for (const name of others) {
        const answer = await ask(`${this.short.path}/${name}`);
        // the name was random: nobody else will ever listen there again
        if (answer === 'dead') rmSync(join(this.dir, name), { force: true });
        else if (answer !== 'unknown' && answer.state === 'candidate' && answer.name > this.self.name)
          waiting = true;
        else throw inUse(this.dir, answer);
      }
      if (!waiting) return;
      await sleep(CANDIDATE_PAUSE_MS);
    }
  }
}

/** Who has the folder, without trying to take it. `unknown`: a process that doesn't answer; null: nobody. */
export const holderOf = async (dir: string): Promise<Holder | 'unknown' | null> => {
  const short = shortFolder(dir, NAME_BYTES);
  try {
    const names = readdirSync(dir).filter((name) => NAME.test(name));
    const answers = await Promise.all(names.map((name) => ask(`${short.path}/${name}`)));
    const living = answers.filter((answer) => answer !== 'dead');
    return living.find((answer) => answer !== 'unknown' && answer.state === 'holder') ?? living[0] ?? null;
  } finally {
    short.release();
  }
};

const listen = (server: Server, path: string): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    // every user who may open the folder may ask
    server.listen({ path, readableAll: true, writableAll: true }, () => {
      server.off('error', reject);
      resolve();
    });
  });

/** Only a refused connection or a missing file proves that nobody is there. */
const ask = (path: string): Promise<Answer> =>
  new Promise((resolve) => {
    let text = '';
    const socket = createConnection(path);
    const timer = setTimeout(() => finish('unknown'), ANSWER_MS);
    const finish = (answer: Answer): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answer);
    };
    socket.setEncoding('utf8');
    socket.on('data', (chunk: string) => (text += chunk));
    socket.on('end', () => finish(parse(text)));
    socket.on('error', (error: NodeJS.ErrnoException) =>
      finish(error.code === 'ECONNREFUSED' || error.code === 'ENOENT' ? 'dead' : 'unknown'),
    );
  });

const parse = (text: string): Answer => {
  try {
    return JSON.parse(text) as Holder;
  } catch {
    return 'unknown';
  }
};

const inUse = (dir: string, holder: Holder | 'unknown'): DormouseError => {
  const who =
    holder === 'unknown'
      ? 'a process that does not answer'
      : `process ${holder.pid} on ${holder.host} since ${holder.since}`;
  return new DormouseError(
    'data_dir_in_use',
    `${dir}: expected the folder for this process alone, but it is held by ${who}. Stop that one, or set ` +
      'DORMOUSE_DATA_DIR to another folder. Several processes on the same data need KAFKA_BROKERS and REDIS_URL.',
    {
      details:
        holder === 'unknown' ? { dir } : { dir, pid: holder.pid, host: holder.host, since: holder.since },
    },
  );
};
