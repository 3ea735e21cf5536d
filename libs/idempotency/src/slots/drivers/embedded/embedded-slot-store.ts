import { DormouseError } from '#contracts';
import { type SlotRequest, SlotStore } from '../../port.js';

/** Of one tool. */
interface Slots {
  /** by token: the end of its lease, ms */
  holders: Map<string, number>;
  /** by token: who waits, and until when without asking again */
  line: Map<string, { since: number; until: number }>;
}

/**
 * Slots of the one process that the embedded engine has. They live in its memory: who holds one dies with it, and after
 * that all are free, which is what the port asks for.
 */
export class EmbeddedSlotStore extends SlotStore {
  private readonly tools = new Map<string, Slots>();
  private closed = false;

  /** @param now the store's clock, ms */
  constructor(private readonly now: () => number) {
    super();
  }

  async take({ tool, token, limit, leaseMs, since, patienceMs }: SlotRequest): Promise<'taken' | 'full'> {
    const { holders, line } = this.of(tool);
    const now = this.now();
    if (!holders.has(token)) {
      for (const [waiting, { until }] of line) if (until <= now) line.delete(waiting);
      const before = [...line].filter(
        ([other, at]) => other !== token && (at.since < since || (at.since === since && other < token)),
      );
      const live = [...holders.values()].filter((until) => until > now).length;
      if (before.length >= limit - live) {
        line.set(token, { since, until: now + patienceMs });
        return 'full';
      }
      this.makeRoom(holders, limit, now);
    }
    line.delete(token);
    holders.set(token, now + leaseMs);
    return 'taken';
  }

  async renew(tool: string, token: string, leaseMs: number): Promise<'held' | 'lost'> {
    const { holders } = this.of(tool);
    if (!holders.has(token)) return 'lost';
    holders.set(token, this.now() + leaseMs);
    return 'held';
  }

  async free(tool: string, token: string): Promise<void> {
    const { holders, line } = this.of(tool);
    holders.delete(token);
    line.delete(token);
  }

  async close(): Promise<void> {
    this.closed = true;
  }

  /** Takes slots from holders whose lease is over, as many as it needs. */
  private makeRoom(holders: Map<string, number>, limit: number, now: number): void {
    for (const [token, until] of holders) {
      if (holders.size < limit) return;
      if (until <= now) holders.delete(token);
    }
  }

  private of(tool: string): Slots {
    if (this.closed) throw new DormouseError('closed', 'expected an open slot store, but it was closed');
    let slots = this.tools.get(tool);
    if (slots === undefined) {
      slots = { holders: new Map(), line: new Map() };
      this.tools.set(tool, slots);
    }
    return slots;
  }
}
