import { Controller } from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';
import { type CloudEvent, EVENT_NAMES, type ToolCallData } from '#contracts';
import { DISPATCHER_TRANSPORT, PlainArguments } from '#transport';
import { Executor } from './executor/executor.js';

/** What the topic of intents brings. A handler that resolves has finished its record. */
@Controller()
@PlainArguments()
export class DispatcherController {
  constructor(private readonly executor: Executor) {}

  @EventPattern(EVENT_NAMES.toolCall, DISPATCHER_TRANSPORT)
  toolCall(@Payload() event: CloudEvent<ToolCallData>): Promise<void> {
    return this.executor.execute(event);
  }

  /** What a step decided that emitted nothing: for whoever rebuilds snapshots from the log, not for a dispatcher. */
  @EventPattern(EVENT_NAMES.stepCommitted, DISPATCHER_TRANSPORT)
  stepCommitted(@Payload() _event: CloudEvent): void {
    // finished as it is
  }
}
