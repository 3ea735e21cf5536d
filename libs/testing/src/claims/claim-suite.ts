import type { ClaimKey, ClaimStore } from '#idempotency';
import type { SuiteCapabilities, TestBed } from '../contract/test-bed.js';
import type { Timing } from '../contract/timing.js';
import type { Claimant } from './claimant.js';

export interface ClaimSuiteCapabilities extends SuiteCapabilities {
  /** who deletes what is past its time: a call of `expire`, or the store itself */
  expires: 'when_asked' | 'by_itself';
}

/** What the parts of the claim suite work with. */
export interface ClaimSuite {
  capabilities: ClaimSuiteCapabilities;
  timing: Timing;
  bed: () => TestBed<ClaimStore>;
  /** a fresh bed outside of the one that each test has; the caller disposes of it */
  makeBed: () => Promise<TestBed<ClaimStore>>;
  /** somebody with a token of their own */
  claimant: (store: ClaimStore, key: ClaimKey, token?: string) => Claimant;
  /** lets every lease that was given until now run out */
  leasesOver: () => Promise<void>;
}
