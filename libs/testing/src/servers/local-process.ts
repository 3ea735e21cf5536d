import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface LocalProcessOptions {
  /** in the log's name and in errors */
  name: string;
  command: string;
  args: readonly string[];
  /** working folder; the log goes there as well */
  folder: string;
  /** beside this process's own variables */
  env?: NodeJS.ProcessEnv;
  /** when this process is gone, the server is killed and its folder removed; default: this process */
  owner?: number;
}

/**
 * Kills the server `$2` and removes `$3` as soon as the owner `$1` is gone, however it ended. A process of its own:
 * it must outlive a SIGKILL of the owner.
 */
const WATCHDOG = `
while kill -0 "$1" 2>/dev/null && kill -0 "$2" 2>/dev/null; do sleep 0.5; done
kill -0 "$1" 2>/dev/null && exit 0
kill -9 "$2" 2>/dev/null
rm -rf "$3"`;

/** A server of this machine, which doesn't outlive the process that it was started for. */
export class LocalProcess {
  private constructor(
    private readonly options: LocalProcessOptions,
    private readonly child: ChildProcess,
    readonly pid: number,
    /** resolves when the process has ended */
    readonly ended: Promise<void>,
  ) {}

  /** @throws Error when the command can't be started at all */
  static async start(options: LocalProcessOptions): Promise<LocalProcess> {
    const log = openSync(join(options.folder, `${options.name}.log`), 'a');
    // a group of its own: Ctrl-C ends the tests, and then the watchdog the server
    const child = spawn(options.command, options.args, {
      cwd: options.folder,
      env: { ...process.env, ...options.env },
      stdio: ['ignore', log, log],
      detached: true,
    });
    closeSync(log);
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    await new Promise<void>((resolve, reject) => child.once('spawn', resolve).once('error', reject));
    const { pid } = child;
    if (pid === undefined) throw new Error(`${options.name}: started, but has no process id`);
    const owner = String(options.owner ?? process.pid);
    spawn('sh', ['-c', WATCHDOG, 'watchdog', owner, String(pid), options.folder], {
      stdio: 'ignore',
      detached: true,
    }).unref();
    child.unref();
    return new LocalProcess(options, child, pid, ended);
  }

  get running(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /** All that the process printed. */
  output(): string {
    return readFileSync(join(this.options.folder, `${this.options.name}.log`), 'utf8');
  }

  /** The end of it. */
  log(): string {
    return this.output().slice(-4_000);
  }

  signal(signal: NodeJS.Signals): void {
    if (this.running) process.kill(this.pid, signal);
  }

  /** Resolves when the process is gone. */
  async end(signal: NodeJS.Signals): Promise<void> {
    if (!this.running) return;
    this.child.ref();
    this.signal(signal);
    await this.ended;
  }

  /** Waits for `ready`; rejects with the log when the process leaves or the time is over before it. */
  async until(ready: () => Promise<boolean>, timeoutMs: number): Promise<void> {
    const end = performance.now() + timeoutMs;
    for (;;) {
      if (await ready()) return;
      const { name } = this.options;
      if (!this.running) throw new Error(`${name} left before it was ready:\n${this.log()}`);
      if (performance.now() > end)
        throw new Error(`${name} was not ready within ${timeoutMs} ms:\n${this.log()}`);
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }
}
