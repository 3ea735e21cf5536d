import type { Timers } from '#transport';
import type { Agenda, Entry } from './agenda.js';

/**
 * The life of a process: what reaches it, and its clocks. A frozen one gets everything that came meanwhile when it goes
 * on, and doesn't know that it was away; a dead one gets nothing any more.
 */
export class SimulatedProcess {
  state: 'running' | 'frozen' | 'dead' = 'running';
  private readonly backlog: (() => void)[] = [];
  private readonly bornAt: number;
  /** how long its monotonic clock stood still */
  private stoodStillMs = 0;
  private frozenAt = 0;
  private standsStill = false;

  /** @param skewMs how far its wall clock is off */
  constructor(
    private readonly agenda: Agenda,
    readonly name: string,
    private readonly skewMs: number,
  ) {
    this.bornAt = agenda.now;
  }

  get alive(): boolean {
    return this.state !== 'dead';
  }

  /** Something reaches the process now. */
  reach(run: () => void): void {
    if (this.state === 'running') run();
    else if (this.state === 'frozen') this.backlog.push(run);
  }

  after(ms: number, run: () => void): Entry {
    return this.agenda.after(ms, () => {
      this.reach(run);
    });
  }

  kill(): void {
    this.state = 'dead';
    this.backlog.length = 0;
  }

  /** @param standsStill its monotonic clock as well, as that of a machine that is suspended does */
  freeze(standsStill: boolean): void {
    this.state = 'frozen';
    this.frozenAt = this.agenda.now;
    this.standsStill = standsStill;
  }

  goOn(): void {
    if (this.state !== 'frozen') return;
    this.state = 'running';
    if (this.standsStill) this.stoodStillMs += this.agenda.now - this.frozenAt;
    for (const run of this.backlog.splice(0)) this.after(0, run);
  }

  readonly clock = {
    now: (): number => this.agenda.now + this.skewMs,
    monotonic: (): number => this.agenda.now - this.bornAt - this.stoodStillMs,
  };

  readonly timers: Timers = {
    now: () => this.clock.now(),
    set: (run, delayMs) => this.after(delayMs, run),
    clear: (handle) => {
      (handle as Entry).run = undefined;
    },
  };
}
