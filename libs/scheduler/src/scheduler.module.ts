import { type DynamicModule, Module } from '@nestjs/common';
import { Auditor } from './auditor.js';
import { SCHEDULER_OPTIONS, type SchedulerOptions } from './scheduler.options.js';
import { Sweeper } from './sweeper.js';

/** The role `scheduler`. Stores, EventClient and ToolCatalogue come from global modules of the composition. */
@Module({})
export class SchedulerModule {
  static forRoot(options: SchedulerOptions): DynamicModule {
    return {
      module: SchedulerModule,
      providers: [{ provide: SCHEDULER_OPTIONS, useValue: options }, Sweeper, Auditor],
      exports: [Sweeper, Auditor],
    };
  }
}
