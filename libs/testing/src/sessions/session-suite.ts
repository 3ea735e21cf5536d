import type { SessionStore } from '#state';
import type { SuiteCapabilities, TestBed } from '../contract/test-bed.js';
import type { Timing } from '../contract/timing.js';

/** What the parts of the session store's suite work with. */
export interface SessionSuite {
  capabilities: SuiteCapabilities;
  timing: Timing;
  bed: () => TestBed<SessionStore>;
  /** a fresh bed outside of the one that each test has; the caller disposes of it */
  makeBed: () => Promise<TestBed<SessionStore>>;
}
