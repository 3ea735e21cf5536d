/** Something that happens at its time, unless it is called off. */
export interface Entry {
  readonly at: number;
  readonly order: number;
  run: (() => void) | undefined;
}

const before = (a: Entry, b: Entry): boolean => a.at < b.at || (a.at === b.at && a.order < b.order);

/** What is going to happen, in virtual time: a binary heap, earliest first, and of one time in the order of making. */
export class Agenda {
  private readonly heap: Entry[] = [];
  private made = 0;
  /** something real that is waited for; no virtual time passes meanwhile */
  private held: Promise<unknown> | undefined;

  /** @param now where time begins, ms since the epoch */
  constructor(public now: number) {}

  at(time: number, run: () => void): Entry {
    const entry: Entry = { at: Math.max(time, this.now), order: this.made++, run };
    const { heap } = this;
    let i = heap.length;
    heap.push(entry);
    while (i > 0) {
      const parent = (i - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || before(above, entry)) break;
      heap[i] = above;
      heap[parent] = entry;
      i = parent;
    }
    return entry;
  }

  after(ms: number, run: () => void): Entry {
    return this.at(this.now + ms, run);
  }

  /** Makes the earliest happen; false: there is none. */
  next(): boolean {
    for (let first = this.take(); first !== undefined; first = this.take()) {
      const { run } = first;
      if (run === undefined) continue;
      this.now = first.at;
      first.run = undefined;
      run();
      return true;
    }
    return false;
  }

  /** Nothing happens until it has settled, or so much real time has passed. */
  holdFor(real: Promise<unknown>, patienceMs: number): void {
    const held = Promise.all([this.held, settledWithin(real, patienceMs)]);
    this.held = held;
    void held.then(() => {
      if (this.held === held) this.held = undefined;
    });
  }

  get holding(): Promise<unknown> | undefined {
    return this.held;
  }

  private take(): Entry | undefined {
    const { heap } = this;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    let i = 0;
    for (;;) {
      const left = heap[2 * i + 1];
      const right = heap[2 * i + 2];
      const child = right !== undefined && left !== undefined && before(right, left) ? 2 * i + 2 : 2 * i + 1;
      const next = heap[child];
      if (next === undefined || before(last, next)) break;
      heap[i] = next;
      i = child;
    }
    heap[i] = last;
    return first;
  }
}

const settledWithin = (real: Promise<unknown>, ms: number): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    const end = () => {
      clearTimeout(timer);
      resolve();
    };
    real.then(end, end);
  });

/** Cheaper than `queueMicrotask`, which keeps an async context for each call. */
const RESOLVED = Promise.resolve();

/**
 * Makes things happen one after the other until `done`, or until nothing is left. Before each of them everything has
 * run that only waits for promises: a tick of the process comes after the last of those, without a turn of the event
 * loop, and always in the same order.
 */
export const drive = (agenda: Agenda, done: () => boolean): Promise<void> =>
  new Promise((resolve, reject) => {
    const turn = (): void => {
      try {
        if (done() || !agenda.next()) {
          resolve();
          return;
        }
      } catch (error) {
        reject(error instanceof Error ? error : new Error(String(error)));
        return;
      }
      void (agenda.holding ?? RESOLVED).then(soon);
    };
    const soon = (): void => {
      process.nextTick(turn);
    };
    void RESOLVED.then(soon);
  });
