import { type DynamicModule, Module } from '@nestjs/common';
import { Brains } from './brains/brains.js';
import { CommanderController } from './commander.controller.js';
import { COMMANDER_OPTIONS, type CommanderOptions } from './commander.options.js';
import { CommanderService } from './commander.service.js';
import { DeadLetters } from './dead-letters/dead-letters.service.js';
import { Inbox } from './sessions/inbox.service.js';
import { Sessions } from './sessions/sessions.service.js';
import { ThinkingSessions } from './thinking-sessions.js';

/**
 * Sessions and dead letters for the API, and what the commander shares with them. Global, and imported once per process. The stores, the
 * EventClient and the ToolCatalogue come from global modules of the composition.
 */
@Module({})
export class SessionsModule {
  static forRoot(options: CommanderOptions): DynamicModule {
    return {
      module: SessionsModule,
      global: true,
      providers: [
        { provide: COMMANDER_OPTIONS, useValue: options },
        { provide: Brains, useValue: new Brains(options.brains) },
        ThinkingSessions,
        Sessions,
        Inbox,
        DeadLetters,
      ],
      exports: [COMMANDER_OPTIONS, Brains, ThinkingSessions, Sessions, Inbox, DeadLetters],
    };
  }
}

/** The role `commander`: the handlers of observations. Needs {@link SessionsModule} beside it. */
@Module({
  controllers: [CommanderController],
  providers: [CommanderService],
  exports: [CommanderService],
})
export class CommanderModule {}
