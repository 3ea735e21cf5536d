import { describe } from '@jest/globals';
import type { Transport } from '#transport';
import {
  DEFAULT_SUITE_CAPABILITIES,
  type SuiteCapabilities,
  type TestBedFactory,
  freshBeds,
} from '../contract/test-bed.js';
import { noLeftovers } from '../leftovers.js';
import { transportConsuming } from './transport-consuming.js';
import { transportCrashing } from './transport-crashing.js';
import { transportPublishing } from './transport-publishing.js';
import { transportReading } from './transport-reading.js';
import { transportSharing } from './transport-sharing.js';
import { Scene, type TransportSuite } from './transport-suite.js';

/**
 * What every {@link Transport} promises, as tests.
 * @param name of the driver, for the report
 * @param factory makes a bed with no topics in it, or with none that a fresh name could meet
 * @param capabilities what the driver and its bed can do; the rest has cautious defaults
 */
export const transportContract = (
  name: string,
  factory: TestBedFactory<Transport>,
  capabilities: Partial<SuiteCapabilities> = {},
): void => {
  const all: SuiteCapabilities = { ...DEFAULT_SUITE_CAPABILITIES, ...capabilities };
  describe(`transport: ${name}`, () => {
    noLeftovers();
    const bed = freshBeds(factory);
    const suite: TransportSuite = {
      capabilities: all,
      bed,
      makeBed: factory,
      scene: (partitions) => Scene.open(bed(), partitions),
    };
    transportPublishing(suite);
    transportConsuming(suite);
    transportReading(suite);
    transportSharing(suite);
    transportCrashing(suite);
  });
};
