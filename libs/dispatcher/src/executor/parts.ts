import type { ClaimStore } from '#idempotency';
import type { SessionStore } from '#state';
import type { DispatcherOptions } from '../dispatcher.options.js';
import type { ToolFigures } from './figures.js';
import type { LeaseKeeper } from './lease.keeper.js';
import type { Outlet } from './outlet.js';
import type { Pulse } from './pulse.js';
import type { Places } from './places.js';
import type { ToolSlots } from './tool.slots.js';

/** What the flows share; made once per process. */
export interface Parts {
  sessions: SessionStore;
  claims: ClaimStore;
  outlet: Outlet;
  places: Places;
  slots: ToolSlots;
  pulse: Pulse;
  leases: LeaseKeeper;
  options: DispatcherOptions;
  counts: Counts;
  figures: ToolFigures;
  /** at least 0, below 1 */
  random: () => number;
  isDraining: () => boolean;
}

/** What came to the dispatcher since its start. */
export interface Counts {
  /** its session didn't wait for it (any more) */
  stale: number;
  /** ours, but its session isn't in the store: it has expired */
  expired: number;
  /** served by programs of others */
  external: number;
  /** without our deployment's id */
  foreign: number;
  conflicts: number;
  /** claims taken over from a dead owner */
  takenOver: number;
  /** runs of tools */
  attempts: number;
  /** of them, those of an intent that had run before */
  retries: number;
  /** intents whose claim was gone while they were under way here: taken over, or dropped by a session that went on */
  claimsLost: number;
  /** records acknowledged while their tool ran on */
  handedOver: number;
}

export const noCounts = (): Counts => ({
  stale: 0,
  expired: 0,
  external: 0,
  foreign: 0,
  conflicts: 0,
  takenOver: 0,
  attempts: 0,
  retries: 0,
  claimsLost: 0,
  handedOver: 0,
});

/**
 * How a flow ended. `done`: nothing is left to do. `left`: a claim and a wake-up carry the intent on. Both acknowledge
 * the record.
 */
export type FlowEnd = 'done' | 'left';
