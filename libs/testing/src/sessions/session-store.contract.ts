import { describe } from '@jest/globals';
import { DEFAULT_SUITE_CAPABILITIES, type SuiteCapabilities, freshBeds } from '../contract/test-bed.js';
import { timingFor } from '../contract/timing.js';
import { noLeftovers } from '../leftovers.js';
import { sessionAuditing } from './session-auditing.js';
import { sessionCommitting } from './session-committing.js';
import { sessionCreating } from './session-creating.js';
import { sessionKeeping } from './session-keeping.js';
import { sessionLifetime } from './session-lifetime.js';
import { sessionListing } from './session-listing.js';
import { sessionProperty } from './session-property.js';
import { sessionReading } from './session-reading.js';
import type { SessionBed, SessionSuite } from './session-suite.js';
import { sessionWaking } from './session-waking.js';

/**
 * What every session store promises, as tests.
 * @param name of the driver, for the report
 * @param factory makes a bed with no sessions in it
 * @param capabilities what the driver and its bed can do; the rest has cautious defaults
 */
export const sessionStoreContract = (
  name: string,
  factory: () => Promise<SessionBed>,
  capabilities: Partial<SuiteCapabilities> = {},
): void => {
  const all: SuiteCapabilities = { ...DEFAULT_SUITE_CAPABILITIES, ...capabilities };
  describe(`session store: ${name}`, () => {
    noLeftovers();
    const suite: SessionSuite = {
      capabilities: all,
      timing: timingFor(all),
      bed: freshBeds(factory),
      makeBed: factory,
    };
    sessionCreating(suite);
    sessionCommitting(suite);
    sessionWaking(suite);
    sessionAuditing(suite);
    sessionReading(suite);
    sessionListing(suite);
    sessionKeeping(suite);
    sessionLifetime(suite);
    sessionProperty(suite);
  });
};
