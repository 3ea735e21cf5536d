import { type Socket, connect, createServer, type Server } from 'node:net';
import { CommandReader, type RedisCommand } from './redis-commands.js';

/** Where a process is to die: at its n-th command about a session that is new, 1 for the first. */
export interface CrashPoint {
  at: number;
  /** `before`: Redis never gets the command. `after`: it has done it, and the process never hears so. */
  when: 'before' | 'after';
}

const SESSION = /sess-[0-9A-Za-z]{26}/;

/**
 * The way of one process to Redis. Counts its commands about sessions that it has not seen before it was armed, and has it
 * killed at one of them: a crash at that very point of the protocol, of which the process knows nothing.
 */
export class CrashGate {
  private readonly open = new Set<Socket>();
  /** sessions that are no business of the armed point any more */
  private readonly seen = new Set<string>();
  private watched: string | undefined;
  private counted = 0;
  private crashed = false;
  private armed: { point: CrashPoint; kill: () => Promise<unknown>; done: () => void } | undefined;
  /** from the crash on until the process is dead nothing passes in either direction */
  private shut = false;

  private constructor(
    private readonly server: Server,
    readonly url: string,
  ) {}

  static async to(redisUrl: string): Promise<CrashGate> {
    const { hostname, port } = new URL(redisUrl);
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const own = typeof address === 'object' && address !== null ? address.port : 0;
    const gate = new CrashGate(server, `redis://127.0.0.1:${own}`);
    server.on('connection', (client) => gate.join(client, connect({ host: hostname, port: Number(port) })));
    return gate;
  }

  /**
   * From now on the commands about the next session that is new are counted, and `kill` ends the process at the point.
   * Resolves when it was killed; never, when the session takes fewer commands.
   */
  arm(point: CrashPoint, kill: () => Promise<unknown>): Promise<void> {
    this.forget();
    return new Promise((done) => (this.armed = { point, kill, done }));
  }

  /** There is no more crash, unless there was one; and how many commands about the watched session there were. */
  forget(): { crashed: boolean; commands: number } {
    const { crashed, counted: commands } = this;
    if (this.watched !== undefined) this.seen.add(this.watched);
    this.watched = undefined;
    this.counted = 0;
    this.crashed = false;
    this.armed = undefined;
    return { crashed, commands };
  }

  async close(): Promise<void> {
    for (const socket of this.open) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private join(client: Socket, upstream: Socket): void {
    const cut = (): void => {
      client.destroy();
      upstream.destroy();
    };
    for (const socket of [client, upstream]) {
      this.open.add(socket);
      socket.on('error', cut);
      socket.on('close', () => {
        this.open.delete(socket);
        cut();
      });
    }
    const reader = new CommandReader();
    client.on('data', (chunk) => {
      for (const command of reader.push(chunk)) {
        if (this.shut) return;
        this.pass(command, upstream);
      }
    });
    upstream.on('data', (chunk) => {
      if (!this.shut) client.write(chunk);
    });
  }

  private pass(command: RedisCommand, upstream: Socket): void {
    if (!this.isCounted(command) || this.counted !== this.armed?.point.at) {
      upstream.write(command.raw);
      return;
    }
    const { point, kill, done } = this.armed;
    this.armed = undefined;
    this.crashed = true;
    this.shut = true;
    const crash = async (): Promise<void> => {
      await kill();
      for (const socket of this.open) socket.destroy();
      this.shut = false;
      done();
    };
    if (point.when === 'before') {
      void crash();
      return;
    }
    // Redis does what comes on a connection in order: when this is answered, the command is done
    const mark = `crash-${this.counted}-${Date.now()}`;
    let told = '';
    upstream.on('data', (chunk) => {
      if (told.includes(mark)) return;
      told += chunk.toString('latin1');
      if (told.includes(mark)) void crash();
    });
    upstream.write(
      Buffer.concat([command.raw, Buffer.from(`*2\r\n$4\r\nPING\r\n$${mark.length}\r\n${mark}\r\n`)]),
    );
  }

  private isCounted({ args }: RedisCommand): boolean {
    const session = args.map((arg) => SESSION.exec(arg)?.[0]).find((id) => id !== undefined);
    if (session === undefined || this.seen.has(session)) return false;
    if (this.armed === undefined && this.watched === undefined) {
      this.seen.add(session);
      return false;
    }
    this.watched ??= session;
    if (session !== this.watched) return false;
    this.counted++;
    return true;
  }
}
