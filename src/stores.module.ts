import { type DynamicModule, Module, type OnModuleDestroy } from '@nestjs/common';
import { ClaimStore, SlotStore } from '#idempotency';
import { DeadLetterStore, DeliveryLedger, SessionStore, StoreWatch } from '#state';

export interface Stores {
  sessions: SessionStore;
  claims: ClaimStore;
  slots: SlotStore;
  deadLetters: DeadLetterStore;
  deliveries: DeliveryLedger;
}

/**
 * The stores, and who watches whether they are emptied, for all modules. Whoever opened them closes them, after
 * everything else has ended.
 */
@Module({})
export class StoresModule implements OnModuleDestroy {
  constructor(private readonly watch: StoreWatch) {}

  static forRoot({ sessions, claims, slots, deadLetters, deliveries }: Stores): DynamicModule {
    return {
      module: StoresModule,
      global: true,
      providers: [
        { provide: SessionStore, useValue: sessions },
        { provide: ClaimStore, useValue: claims },
        { provide: SlotStore, useValue: slots },
        { provide: DeadLetterStore, useValue: deadLetters },
        { provide: DeliveryLedger, useValue: deliveries },
        { provide: StoreWatch, useValue: new StoreWatch(sessions) },
      ],
      exports: [SessionStore, ClaimStore, SlotStore, DeadLetterStore, DeliveryLedger, StoreWatch],
    };
  }

  onModuleDestroy(): Promise<void> {
    return this.watch.stop();
  }
}
