import type { SessionStore } from '#state';
import type { SuiteCapabilities, TestBed } from '../contract/test-bed.js';
import type { Timing } from '../contract/timing.js';

/** Breaks wake-ups behind a store's back, for its audit to find. */
export interface WakeDamage {
  remove(sessionId: string): Promise<void>;
  /** whatever it is now, and whatever its session is */
  set(sessionId: string, at: number): Promise<void>;
  /** adds one where nobody looks for it; absent where a driver has no such place */
  misplace?(sessionId: string, at: number): Promise<void>;
  /** there may be entries of sessions that aren't there */
  strays: boolean;
}

export interface SessionBed extends TestBed<SessionStore> {
  readonly wakes: WakeDamage;
}

/** What the parts of the session store's suite work with. */
export interface SessionSuite {
  capabilities: SuiteCapabilities;
  timing: Timing;
  bed: () => SessionBed;
  /** a fresh bed outside of the one that each test has; the caller disposes of it */
  makeBed: () => Promise<SessionBed>;
}
