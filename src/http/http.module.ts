import { type DynamicModule, Module, type Type } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { AsyncApiController } from './asyncapi/asyncapi.controller.js';
import { BatchController } from './batch/batch.controller.js';
import { DeadLettersController } from './dead-letters.controller.js';
import { EventsController } from './events/events.controller.js';
import { HealthController } from './health/health.controller.js';
import { ReadyChecks } from './health/ready-checks.js';
import { InboxController } from './inbox.controller.js';
import { DocsController } from './openapi/docs.controller.js';
import { OpenApiController } from './openapi/openapi.controller.js';
import { ProblemFilter } from './problem.filter.js';
import { RouteTable } from './route-table.js';
import { SessionsController } from './sessions.controller.js';
import { Shutdown } from './shutdown.js';
import { SubmissionGate } from './submission-gate.js';
import { TimelineController } from './timeline.controller.js';
import { ToolsController } from './tools.controller.js';

const API: Type[] = [
  BatchController,
  SessionsController,
  InboxController,
  TimelineController,
  EventsController,
  ToolsController,
  DeadLettersController,
  OpenApiController,
  AsyncApiController,
  DocsController,
];

export interface HttpModuleOptions {
  /** whether this process serves the API; every process tells its health */
  api: boolean;
  /** the table that the adapter fills */
  routes: RouteTable;
}

@Module({})
export class HttpModule {
  static forRoot({ api, routes }: HttpModuleOptions): DynamicModule {
    return {
      module: HttpModule,
      controllers: api ? [...API, HealthController] : [HealthController],
      providers: [
        { provide: RouteTable, useValue: routes },
        { provide: APP_FILTER, useClass: ProblemFilter },
        ReadyChecks,
        Shutdown,
        SubmissionGate,
      ],
    };
  }
}
