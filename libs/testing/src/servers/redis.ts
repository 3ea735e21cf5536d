import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../runtime-process.js';
import { redisBinary } from './redis-binary.js';
import { redisReply } from './redis-reply.js';
import { type Server, startServer } from './server.js';

const IMAGE = 'redis:7';
const READY_WITHIN_MS = 30_000;

export interface RedisOptions {
  /** `no`: nothing is written to disk at all (`appendonly no`); default `everysec` */
  appendfsync?: 'always' | 'everysec' | 'no';
  /** further settings, e.g. `{ 'maxmemory-policy': 'allkeys-lru' }` */
  settings?: Record<string, string>;
  /** when this process is gone, the server goes too; default: this process */
  owner?: number;
}

/** One `redis-server`. */
export interface RedisServer {
  readonly url: string;
  readonly port: number;
  readonly pid: number | undefined;
  kill9(): Promise<void>;
  restart(): Promise<void>;
  /** It loses all its data and runs on. */
  flushAll(): Promise<void>;
  /** Ends it and removes its data. */
  stop(): Promise<void>;
}

const settingsOf = ({ appendfsync = 'everysec', settings = {} }: RedisOptions): Record<string, string> => ({
  save: '',
  appendonly: appendfsync === 'no' ? 'no' : 'yes',
  ...(appendfsync === 'no' ? {} : { appendfsync }),
  ...settings,
});

/** Starts a Redis at a free port with no data in it. @throws Error which says what to install */
export const startRedisServer = async (options: RedisOptions = {}): Promise<RedisServer> => {
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), 'dormouse-redis-'));
  const args = Object.entries({ bind: '127.0.0.1', port: String(port), ...settingsOf(options) }).flatMap(
    ([name, value]) => [`--${name}`, value],
  );
  let server: Server;
  try {
    server = await startServer({
      name: 'redis',
      folder,
      owner: options.owner ?? process.pid,
      container: { image: IMAGE, args: ['redis-server', ...args], env: {} },
      local: async () => ({ command: redisBinary(), args: [...args, '--dir', folder] }),
      // while it loads its file after a restart it answers with an error
      ready: async () => (await redisReply(port, 'PING')) === '+PONG',
      readyWithinMs: READY_WITHIN_MS,
    });
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    get pid() {
      return server.pid;
    },
    kill9: () => server.kill9(),
    restart: () => server.restart(),
    flushAll: async () => {
      const reply = await redisReply(port, 'FLUSHALL');
      if (reply !== '+OK') throw new Error(`FLUSHALL: expected +OK, got ${String(reply)}`);
    },
    stop: async () => {
      await server.remove();
      rmSync(folder, { recursive: true, force: true });
    },
  };
};
