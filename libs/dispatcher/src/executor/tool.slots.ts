import { nextToken, type SlotRequest, type SlotStore } from '#idempotency';
import { Lease, sentNow } from './lease.js';
import type { Pulse } from './pulse.js';

/** Who stands first in line here asks the store so often, ±50 %; at once when a slot is given back in this process. */
const POLL_MS = 250;
/** He is gone when he hasn't asked for so long: a process that died holds up others no longer. */
const PATIENCE_MS = 1_500;
/**
 * Waiting in this process, for all tools together: well below the records that the consumer holds beside the tools in
 * flight, so that a crowd before one tool doesn't keep the others from being delivered.
 */
const MOST_WAITING = 200;

/** What somebody wants who wants a slot. */
export interface SlotWanted extends Pick<SlotRequest, 'tool' | 'limit' | 'since'> {
  /** may be sent away when too many wait: its claim can carry it on */
  mayLeave: boolean;
}

/** A slot of ours, renewed until it is given back. */
export interface Slot {
  /** by our own clocks, and nobody else was given it as far as we know */
  isOurs(): boolean;
  giveBack(): void;
}

/** A place in line. */
export interface SlotWait {
  /** `crowded`: too many wait here, and this one has waited least. Rejects when the slots are closed, or the store can't be reached */
  answer: Promise<Slot | 'crowded'>;
  /** Gives up the place, and the slot if it was given one meanwhile. */
  leave(): void;
}

interface Waiting {
  wanted: SlotWanted;
  token: string;
  /** the store may have it in line */
  asked: boolean;
  slot: Slot | undefined;
  give: (got: Slot | 'crowded') => void;
  refuse: (error: unknown) => void;
}

/** Of one tool. */
interface Line {
  /** who has waited longest first */
  waiting: Waiting[];
  asking: boolean;
  /** since it was asked last, something has happened here that may make another answer of it */
  stirred: boolean;
  /** ends the pause before it is asked again */
  endPause: () => void;
}

const stir = (line: Line): void => {
  line.stirred = true;
  line.endPause();
};

/**
 * The slots of tools with a `concurrency`, as this process sees them. Who waits here stands in a line of its own per tool, and
 * only the first in it asks the store: so a crowd asks no more often than one, and those who have waited longest go first, in
 * the process and, by the store's line, among all.
 */
export class ToolSlots {
  private readonly lines = new Map<string, Line>();
  private total = 0;
  private closed: Error | undefined;

  constructor(
    private readonly store: SlotStore,
    private readonly pulse: Pulse,
    private readonly leaseMs: number,
    private readonly random: () => number,
  ) {}

  /** Waiting here. */
  get waiting(): number {
    return this.total;
  }

  /** A slot, if one is free and nobody waits for it. Errors: `unavailable` */
  async tryTake(wanted: SlotWanted): Promise<Slot | undefined> {
    if (this.closed !== undefined) throw this.closed;
    if (this.lineOf(wanted.tool).waiting.length > 0) return undefined;
    return this.ask(wanted, nextToken(), 0);
  }

  wait(wanted: SlotWanted): SlotWait {
    const line = this.lineOf(wanted.tool);
    const waiting: Waiting = {
      wanted,
      token: nextToken(),
      asked: false,
      slot: undefined,
      give: () => undefined,
      refuse: () => undefined,
    };
    const answer = new Promise<Slot | 'crowded'>((resolve, reject) => {
      waiting.give = resolve;
      waiting.refuse = reject;
    });
    if (this.closed === undefined) this.join(line, waiting);
    else waiting.refuse(this.closed);
    return {
      answer,
      leave: () => {
        if (this.remove(line, waiting)) this.forget(waiting);
        waiting.slot?.giveBack();
      },
    };
  }

  /** Whoever waits is refused, and whoever comes. */
  close(error: Error): void {
    this.closed = error;
    for (const line of this.lines.values())
      for (const waiting of [...line.waiting]) {
        this.remove(line, waiting);
        this.forget(waiting);
        waiting.refuse(error);
      }
  }

  private join(line: Line, waiting: Waiting): void {
    const { since } = waiting.wanted;
    let at = line.waiting.length;
    while (at > 0 && (line.waiting[at - 1]?.wanted.since ?? 0) > since) at--;
    line.waiting.splice(at, 0, waiting);
    this.total++;
    if (this.total > MOST_WAITING) this.sendAway();
    if (line.waiting[0] === waiting) stir(line);
    if (!line.asking) void this.serve(line);
  }

  /** Of the longest line, the one who has waited least. */
  private sendAway(): void {
    let longest: Line | undefined;
    for (const line of this.lines.values())
      if (line.waiting.length > (longest?.waiting.length ?? 0)) longest = line;
    if (longest === undefined) return;
    for (let at = longest.waiting.length - 1; at >= 0; at--) {
      const waiting = longest.waiting[at];
      if (waiting?.wanted.mayLeave !== true) continue;
      this.remove(longest, waiting);
      this.forget(waiting);
      waiting.give('crowded');
      return;
    }
  }

  private remove(line: Line, waiting: Waiting): boolean {
    const at = line.waiting.indexOf(waiting);
    if (at < 0) return false;
    line.waiting.splice(at, 1);
    this.total--;
    // the next one needn't wait for the pause of the one who was first
    if (at === 0) stir(line);
    return true;
  }

  /** Nobody is to wait for it in the store's line. */
  private forget({ wanted, token, asked }: Waiting): void {
    if (asked) this.store.free(wanted.tool, token).catch(() => undefined);
  }

  /** Asks for the first in line until nobody is left. */
  private async serve(line: Line): Promise<void> {
    line.asking = true;
    for (let first = line.waiting[0]; first !== undefined; first = line.waiting[0]) {
      first.asked = true;
      line.stirred = false;
      let slot: Slot | undefined;
      try {
        slot = await this.ask(first.wanted, first.token, PATIENCE_MS);
      } catch (error) {
        if (this.remove(line, first)) first.refuse(error);
        continue;
      }
      if (slot === undefined) {
        await this.pause(line);
      } else if (this.remove(line, first)) {
        first.slot = slot;
        first.give(slot);
      } else slot.giveBack();
    }
    line.asking = false;
  }

  private pause(line: Line): Promise<void> {
    if (line.stirred) return Promise.resolve();
    return new Promise((resolve) => {
      let over = false;
      const end = () => {
        // the pulse hears of an end that came earlier only at its next beat
        if (over) return;
        over = true;
        line.endPause = () => undefined;
        resolve();
      };
      line.endPause = end;
      this.pulse.until(() => over, POLL_MS * (0.5 + this.random())).then(end, end);
    });
  }

  private async ask(
    { tool, limit, since }: SlotWanted,
    token: string,
    patienceMs: number,
  ): Promise<Slot | undefined> {
    const { store, leaseMs } = this;
    const sent = sentNow(this.pulse);
    try {
      const answer = await store.take({ tool, token, limit, leaseMs, since, patienceMs });
      if (answer === 'full') return undefined;
    } catch (error) {
      // it may have been given all the same
      store.free(tool, token).catch(() => undefined);
      throw error;
    }
    const lease = new Lease(
      {
        pulse: this.pulse,
        leaseMs,
        everyMs: leaseMs / 3,
        renew: () => store.renew(tool, token, leaseMs),
      },
      sent,
    );
    return {
      isOurs: () => lease.signal === undefined && lease.isLive(),
      giveBack: () => {
        lease.release();
        // where it can't be reached, the lease runs out by itself
        store.free(tool, token).then(
          () => {
            stir(this.lineOf(tool));
          },
          () => undefined,
        );
      },
    };
  }

  private lineOf(tool: string): Line {
    let line = this.lines.get(tool);
    if (line === undefined) {
      line = { waiting: [], asking: false, stirred: false, endPause: () => undefined };
      this.lines.set(tool, line);
    }
    return line;
  }
}
