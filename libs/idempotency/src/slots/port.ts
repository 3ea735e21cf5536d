export interface SlotRequest {
  tool: string;
  /** `<process boot id>:<counter>`, unique for ever, compared for equality */
  token: string;
  /** slots of the tool, in all processes together */
  limit: number;
  leaseMs: number;
  /** who has waited since earlier goes first; ms since the epoch */
  since: number;
  /** who is refused stands in line for so long, and longer if he asks again by then; 0: he doesn't */
  patienceMs: number;
}

/**
 * The right to be one of the runs of a tool that go on at once, in all processes together: leased, and fenced by a token.
 *
 * Promises
 * - Every move is atomic and carries its token; the same move arriving twice answers as the first did and takes one slot.
 * - Of a tool never more than `limit` tokens hold a slot whose lease isn't over; the store's clock decides that.
 * - A slot whose lease is over goes to whoever asks next and is in need of it; until then its holder may renew it.
 * - While somebody stands in line, nobody who has waited for less is given a slot before him. Who stands there and
 *   doesn't ask again holds up others for `patienceMs` and no longer.
 * - `renew` and `free` with a token that holds nothing change nothing.
 *
 * Not promised: that slots outlive the store's own end. Those who hold one then run on, and others are given slots.
 *
 * Errors: {@link DormouseError} `unavailable` (retryable), `closed`.
 */
export abstract class SlotStore {
  /** Of a holder it is a renewal. */
  abstract take(request: SlotRequest): Promise<'taken' | 'full'>;
  /** Extends the lease to now + `leaseMs`. `lost`: somebody else was given the slot. */
  abstract renew(tool: string, token: string, leaseMs: number): Promise<'held' | 'lost'>;
  /** Gives the slot back, and the place in line as well. */
  abstract free(tool: string, token: string): Promise<void>;

  abstract close(): Promise<void>;
}
