import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A port of this machine that nobody listens on at the moment. */
export const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });

/** A built runtime as a process of its own, to be killed and started again over the same data. */
export class RuntimeProcess {
  private child: ChildProcess | undefined;
  private constructor(
    readonly url: string,
    private readonly folder: string,
    private readonly env: NodeJS.ProcessEnv,
  ) {}

  /** @param env settings beside PORT and DORMOUSE_DATA_DIR */
  static async create(env: NodeJS.ProcessEnv): Promise<RuntimeProcess> {
    const port = await freePort();
    const folder = mkdtempSync(join(tmpdir(), 'dormouse-process-'));
    return new RuntimeProcess(`http://127.0.0.1:${port}`, folder, {
      ...process.env,
      PORT: String(port),
      DORMOUSE_DATA_DIR: join(folder, 'engine'),
      ...env,
    });
  }

  /** Starts the process and waits until it says that it is ready, or only that it runs. */
  async start(until: 'ready' | 'live' = 'ready'): Promise<void> {
    const log = openSync(join(this.folder, 'process.log'), 'a');
    const child = spawn(process.execPath, ['dist/src/main.js'], {
      stdio: ['ignore', log, log],
      env: this.env,
    });
    closeSync(log);
    this.child = child;
    while (!(await this.isUp(until))) {
      if (child.exitCode !== null || child.signalCode !== null)
        throw new Error(
          `the process left with ${child.exitCode ?? child.signalCode ?? ''} before it was ${until}: ${this.log()}`,
        );
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  private async isUp(until: 'ready' | 'live'): Promise<boolean> {
    try {
      return (await fetch(`${this.url}/health/${until}`)).status === 200;
    } catch {
      return false;
    }
  }

  /** Resolves when the process ends, whatever of. */
  async ended(): Promise<void> {
    const { child } = this;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    await new Promise((resolve) => child.once('exit', resolve));
  }

  /** The end of what the process printed. */
  log(): string {
    return readFileSync(join(this.folder, 'process.log'), 'utf8').slice(-4000);
  }

  /** Freezes the process, or lets it go on. */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.child?.kill(signal);
  }

  /** Sends a signal and waits for the end; resolves with the exit code, null after SIGKILL. */
  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<number | null> {
    const child = this.child;
    if (child === undefined) return null;
    this.child = undefined;
    // it may have ended by itself, or by somebody else's signal
    if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
    const exited = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
    child.kill(signal);
    return exited;
  }

  async remove(): Promise<void> {
    await this.end('SIGKILL');
    rmSync(this.folder, { recursive: true, force: true });
  }
}
