import { type DynamicModule, Module } from '@nestjs/common';
import { ClaimStore } from '#idempotency';
import { DeadLetterStore, SessionStore } from '#state';

export interface Stores {
  sessions: SessionStore;
  claims: ClaimStore;
  deadLetters: DeadLetterStore;
}

/** The stores, for all modules. Whoever opened them closes them, after everything else has ended. */
@Module({})
export class StoresModule {
  static forRoot({ sessions, claims, deadLetters }: Stores): DynamicModule {
    return {
      module: StoresModule,
      global: true,
      providers: [
        { provide: SessionStore, useValue: sessions },
        { provide: ClaimStore, useValue: claims },
        { provide: DeadLetterStore, useValue: deadLetters },
      ],
      exports: [SessionStore, ClaimStore, DeadLetterStore],
    };
  }
}
