import { EmbeddedClaimStore } from '#idempotency';
import { EmbeddedSessionStore } from '#state';
import { claimStoreContract, sessionStoreContract, transportContract } from '#testing';
import { EmbeddedTransport } from '#transport';
import { embeddedBed } from './embedded-beds.js';

claimStoreContract(
  'embedded',
  embeddedBed((engine) => new EmbeddedClaimStore(engine)),
);
sessionStoreContract(
  'embedded',
  embeddedBed((engine) => new EmbeddedSessionStore(engine), { countsRows: true }),
  {
    countsTouched: true,
  },
);
transportContract(
  'embedded',
  embeddedBed((engine) => new EmbeddedTransport(engine)),
);
