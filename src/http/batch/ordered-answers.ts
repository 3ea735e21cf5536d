import type { Writable } from 'node:stream';

interface Slot {
  bytes: number;
  text: string | undefined;
}

/** So many lines are worked on at once: enough to fill a group commit, few enough to bound what is held. */
const MAX_LINES = 1_024;
const MAX_BYTES = 8 * 1024 * 1024;

/**
 * Writes answers in the order of their questions, however they become ready, and holds a bounded number of them:
 * whoever asks waits for {@link room}, which also waits for a reader that is slow.
 */
export class OrderedAnswers {
  private readonly slots: Slot[] = [];
  private head = 0;
  private bytes = 0;
  private blocked = false;
  private scheduled = false;
  private wake: (() => void) | undefined;

  constructor(private readonly output: Writable) {
    output.on('drain', () => {
      this.blocked = false;
      this.flush();
    });
    output.once('close', () => this.wake?.());
  }

  /** `answer` never rejects; `bytes` is what its question holds in memory. */
  add(answer: Promise<string>, bytes: number): void {
    const slot: Slot = { bytes, text: undefined };
    this.slots.push(slot);
    this.bytes += bytes;
    void answer.then((text) => {
      slot.text = text;
      if (slot === this.slots[this.head]) this.schedule();
    });
  }

  /** Resolves when another question may be asked, or nobody reads the answers any more. */
  async room(): Promise<void> {
    while (this.isFull()) await new Promise<void>((resolve) => (this.wake = resolve));
  }

  /** Resolves when every answer was handed to the output, or nobody reads them any more. */
  async written(): Promise<void> {
    while (this.waiting() > 0 && !this.output.destroyed)
      await new Promise<void>((resolve) => (this.wake = resolve));
  }

  isFull(): boolean {
    return (
      !this.output.destroyed &&
      (this.waiting() >= MAX_LINES || (this.bytes >= MAX_BYTES && this.waiting() > 0))
    );
  }

  private waiting(): number {
    return this.slots.length - this.head;
  }

  /** Answers of one group commit become ready in one turn of the loop: they go out in one write. */
  private schedule(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    setImmediate(() => {
      this.scheduled = false;
      this.flush();
    });
  }

  private flush(): void {
    if (this.blocked || this.output.destroyed) return;
    let text = '';
    for (let slot = this.slots[this.head]; slot?.text !== undefined; slot = this.slots[this.head]) {
      text += slot.text;
      this.bytes -= slot.bytes;
      this.head += 1;
    }
    if (text === '') return;
    if (this.head >= MAX_LINES) {
      this.slots.splice(0, this.head);
      this.head = 0;
    }
    this.blocked = !this.output.write(text);
    const { wake } = this;
    this.wake = undefined;
    wake?.();
  }
}
