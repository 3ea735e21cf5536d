import { EmbeddedClaimStore, EmbeddedSlotStore } from '#idempotency';
import { EmbeddedDeadLetterStore, EmbeddedDeliveryLedger } from '#state';
import {
  claimStoreContract,
  deadLetterStoreContract,
  deliveryLedgerContract,
  sessionStoreContract,
  slotStoreContract,
  SUITE_DEAD_LETTER_RETENTION_MS,
  SUITE_DELIVERY_RETENTION_MS,
  transportContract,
} from '#testing';
import { EmbeddedTransport } from '#transport';
import { embeddedBed, embeddedSessionBed } from './embedded-beds.js';

claimStoreContract(
  'embedded',
  embeddedBed((engine) => new EmbeddedClaimStore(engine)),
);
sessionStoreContract('embedded', embeddedSessionBed({ countsRows: true }), {
  countsTouched: true,
});
transportContract(
  'embedded',
  embeddedBed((engine) => new EmbeddedTransport(engine)),
);
deadLetterStoreContract(
  'embedded',
  embeddedBed((engine) => new EmbeddedDeadLetterStore(engine, SUITE_DEAD_LETTER_RETENTION_MS)),
  { shared: false, clock: 'moved' },
);
deliveryLedgerContract(
  'embedded',
  embeddedBed((engine) => new EmbeddedDeliveryLedger(engine, SUITE_DELIVERY_RETENTION_MS)),
  { shared: false },
);
slotStoreContract(
  'embedded',
  embeddedBed((engine) => new EmbeddedSlotStore(() => engine.now())),
);
