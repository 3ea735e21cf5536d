import { type DynamicModule, Module } from '@nestjs/common';
import { ClaimStore } from '#idempotency';
import { SessionStore } from '#state';

export interface Stores {
  sessions: SessionStore;
  claims: ClaimStore;
}

/** The two stores, for all modules. Whoever opened them closes them, after everything else has ended. */
@Module({})
export class StoresModule {
  static forRoot({ sessions, claims }: Stores): DynamicModule {
    return {
      module: StoresModule,
      global: true,
      providers: [
        { provide: SessionStore, useValue: sessions },
        { provide: ClaimStore, useValue: claims },
      ],
      exports: [SessionStore, ClaimStore],
    };
  }
}
