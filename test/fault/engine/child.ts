import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** A writer in a process of its own, and the lines that it printed so far. */
export class WriterProcess {
  readonly lines: string[] = [];
  private readonly waiting: { count: number; resolve: () => void }[] = [];
  private readonly ended: Promise<void>;
  private readonly child: ChildProcess;

  constructor(dir: string, durability: string, from: number, atOnce = 32) {
    const child = spawn(
      process.execPath,
      [
        '--conditions=dormouse-source',
        `--import=${here('./typescript-hooks.mjs')}`,
        here('./writer.ts'),
        dir,
        durability,
        String(from),
        String(atOnce),
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    this.child = child;
    createInterface({ input: child.stdout }).on('line', (line) => {
      this.lines.push(line);
      for (const waiter of this.waiting) if (this.lines.length >= waiter.count) waiter.resolve();
    });
    this.ended = new Promise((resolve) => child.once('close', () => resolve()));
  }

  get pid(): number | undefined {
    return this.child.pid;
  }

  /** Resolves when it has printed `count` lines, or has ended. */
  async printed(count: number): Promise<void> {
    if (this.lines.length >= count) return;
    await Promise.race([new Promise<void>((resolve) => this.waiting.push({ count, resolve })), this.ended]);
  }

  /** Resolves when everything that it printed has been read. */
  async kill(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.ended;
  }
}
