import type { SuiteCapabilities } from './test-bed.js';

/** Durations that suit the driver's clock, in milliseconds. */
export interface Timing {
  leaseMs: number;
  /** longer than what a handful of moves takes on a driver whose clock runs */
  marginMs: number;
  retentionMs: number;
}

export const timingFor = (capabilities: SuiteCapabilities): Timing =>
  capabilities.clock === 'moved'
    ? { leaseMs: 30_000, marginMs: 10, retentionMs: 600_000 }
    : { leaseMs: 600, marginMs: 100, retentionMs: 1_500 };
