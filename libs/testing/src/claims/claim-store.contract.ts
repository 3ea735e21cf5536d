import { describe } from '@jest/globals';
import type { ClaimStore } from '#idempotency';
import { DEFAULT_SUITE_CAPABILITIES, type TestBedFactory, freshBeds } from '../contract/test-bed.js';
import { timingFor } from '../contract/timing.js';
import { noLeftovers } from '../leftovers.js';
import { claimDeaths } from './claim-deaths.js';
import { claimEnding } from './claim-ending.js';
import { claimFencing } from './claim-fencing.js';
import { claimLifetime } from './claim-lifetime.js';
import { claimMoves } from './claim-moves.js';
import { claimProperty } from './claim-property.js';
import { claimRaces } from './claim-races.js';
import { claimReading } from './claim-reading.js';
import { claimRepeats } from './claim-repeats.js';
import { claimSealing } from './claim-sealing.js';
import type { ClaimSuite, ClaimSuiteCapabilities } from './claim-suite.js';
import { Claimant } from './claimant.js';

/**
 * What every {@link ClaimStore} promises, as tests.
 * @param name of the driver, for the report
 * @param factory makes a bed with no claims in it
 * @param capabilities what the driver and its bed can do; the rest has cautious defaults
 */
export const claimStoreContract = (
  name: string,
  factory: TestBedFactory<ClaimStore>,
  capabilities: Partial<ClaimSuiteCapabilities> = {},
): void => {
  const all: ClaimSuiteCapabilities = {
    ...DEFAULT_SUITE_CAPABILITIES,
    expires: 'when_asked',
    ...capabilities,
  };
  describe(`claim store: ${name}`, () => {
    noLeftovers();
    const timing = timingFor(all);
    const bed = freshBeds(factory);
    const suite: ClaimSuite = {
      capabilities: all,
      timing,
      bed,
      makeBed: factory,
      claimant: (store, key, token) =>
        new Claimant(store, key, {
          leaseMs: timing.leaseMs,
          retentionMs: timing.retentionMs,
          ...(token === undefined ? {} : { token }),
        }),
      leasesOver: () => bed().advance(timing.leaseMs + timing.marginMs),
    };
    claimMoves(suite);
    claimEnding(suite);
    claimDeaths(suite);
    claimReading(suite);
    claimSealing(suite);
    claimFencing(suite);
    claimRepeats(suite);
    claimRaces(suite);
    claimLifetime(suite);
    claimProperty(suite);
  });
};
