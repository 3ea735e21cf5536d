import { storeEmptied } from './emptied.js';
import type { SessionStore } from './port.js';

const LOOK_EVERY_MS = 1_000;

/** Looks now and then whether the store was emptied, or has been rebuilt, and has others act on it. */
export class StoreWatch {
  private timer: NodeJS.Timeout | undefined;
  private under: Promise<void> | undefined;
  private stopped = false;
  private last = false;

  constructor(
    private readonly store: SessionStore,
    private readonly everyMs = LOOK_EVERY_MS,
  ) {}

  /** as of the latest look */
  get emptied(): boolean {
    return this.last;
  }

  /** Errors: `store_emptied`, as of the latest look */
  check(): void {
    if (this.last) throw storeEmptied();
  }

  /** Looks, then again after each pause. @param act called after every look, and waited for; it doesn't reject */
  async start(act: (emptied: boolean) => Promise<void>): Promise<void> {
    this.last = await this.store.isEmptied();
    await act(this.last);
    // one that is kept with the log isn't emptied without it
    if (this.store.capabilities.shared) this.wait(act);
  }

  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    await this.under;
  }

  private wait(act: (emptied: boolean) => Promise<void>): void {
    if (this.stopped) return;
    this.timer = setTimeout(() => {
      this.under = this.look(act).then(() => {
        this.wait(act);
      });
    }, this.everyMs);
  }

  private async look(act: (emptied: boolean) => Promise<void>): Promise<void> {
    // a store that can't be reached is as it was last
    this.last = await this.store.isEmptied().catch(() => this.last);
    if (!this.stopped) await act(this.last);
  }
}
