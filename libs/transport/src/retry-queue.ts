import type { Timers } from './timers.js';

interface Entry<T> {
  dueMs: number;
  item: T;
}

/** Items that come back at their time. One timer, however many there are; a binary heap, earliest first. */
export class RetryQueue<T> {
  private readonly heap: Entry<T>[] = [];
  private timer: unknown = null;
  private timerDueMs = Infinity;

  constructor(
    private readonly timers: Timers,
    /** called with all that are due, earliest first */
    private readonly due: (items: T[]) => void,
  ) {}

  add(item: T, delayMs: number): void {
    const dueMs = this.timers.now() + delayMs;
    const { heap } = this;
    let i = heap.length;
    heap.push({ dueMs, item });
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (this.dueAt(parent) <= dueMs) break;
      this.swap(i, parent);
      i = parent;
    }
    this.arm();
  }

  clear(): void {
    this.heap.length = 0;
    this.arm();
  }

  private arm(): void {
    const next = this.dueAt(0);
    if (next === this.timerDueMs) return;
    if (this.timer !== null) this.timers.clear(this.timer);
    this.timer = null;
    this.timerDueMs = next;
    if (next === Infinity) return;
    this.timer = this.timers.set(
      () => {
        this.fire();
      },
      Math.max(0, next - this.timers.now()),
    );
  }

  private fire(): void {
    this.timer = null;
    this.timerDueMs = Infinity;
    const now = this.timers.now();
    const items: T[] = [];
    while (this.dueAt(0) <= now) items.push(this.pop().item);
    this.arm();
    if (items.length > 0) this.due(items);
  }

  private pop(): Entry<T> {
    const { heap } = this;
    const last = heap.length - 1;
    this.swap(0, last);
    const top = heap.pop() as Entry<T>;
    let i = 0;
    for (;;) {
      const left = 2 * i + 1;
      const child = this.dueAt(left + 1) < this.dueAt(left) ? left + 1 : left;
      if (this.dueAt(child) >= this.dueAt(i)) return top;
      this.swap(i, child);
      i = child;
    }
  }

  private dueAt(i: number): number {
    return this.heap[i]?.dueMs ?? Infinity;
  }

  private swap(i: number, j: number): void {
    const a = this.heap[i] as Entry<T>;
    this.heap[i] = this.heap[j] as Entry<T>;
    this.heap[j] = a;
  }
}
