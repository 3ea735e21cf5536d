import { EmbeddedClaimStore } from '#idempotency';
import { claimStoreContract, sessionStoreContract, transportContract } from '#testing';
import { EmbeddedTransport } from '#transport';
import { embeddedBed, embeddedSessionBed } from './embedded-beds.js';

// the other way through the engine: a move is acknowledged when the disk has it
const capabilities = { durability: 'power', randomRuns: 0.2 } as const;
const { durability } = capabilities;

claimStoreContract(
  'embedded, power',
  embeddedBed((engine) => new EmbeddedClaimStore(engine), { durability }),
  capabilities,
);
sessionStoreContract('embedded, power', embeddedSessionBed({ durability }), capabilities);
transportContract(
  'embedded, power',
  embeddedBed((engine) => new EmbeddedTransport(engine), { durability }),
  capabilities,
);
