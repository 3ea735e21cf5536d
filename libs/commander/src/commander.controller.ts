import { Controller } from '@nestjs/common';
import { Ctx, EventPattern, Payload } from '@nestjs/microservices';
import { type CloudEvent, EVENT_NAMES, type EventName } from '#contracts';
import { COMMANDER_TRANSPORT, type Delivery, PlainArguments } from '#transport';
import { CommanderService } from './commander.service.js';

/** What a session can observe, from the topic of observations. A handler that resolves has finished its record. */
@Controller()
@PlainArguments()
export class CommanderController {
  constructor(private readonly commander: CommanderService) {}

  @EventPattern<EventName>(EVENT_NAMES.sessionCreated, COMMANDER_TRANSPORT)
  sessionCreated(@Payload() event: CloudEvent, @Ctx() delivery: Delivery): Promise<void> {
    return this.observe(EVENT_NAMES.sessionCreated, event, delivery);
  }

  @EventPattern<EventName>(EVENT_NAMES.toolResult, COMMANDER_TRANSPORT)
  toolResult(@Payload() event: CloudEvent, @Ctx() delivery: Delivery): Promise<void> {
    return this.observe(EVENT_NAMES.toolResult, event, delivery);
  }

  @EventPattern<EventName>(EVENT_NAMES.cancel, COMMANDER_TRANSPORT)
  cancel(@Payload() event: CloudEvent, @Ctx() delivery: Delivery): Promise<void> {
    return this.observe(EVENT_NAMES.cancel, event, delivery);
  }

  @EventPattern<EventName>(EVENT_NAMES.timer, COMMANDER_TRANSPORT)
  timer(@Payload() event: CloudEvent, @Ctx() delivery: Delivery): Promise<void> {
    return this.observe(EVENT_NAMES.timer, event, delivery);
  }

  @EventPattern<EventName>(EVENT_NAMES.userMessage, COMMANDER_TRANSPORT)
  userMessage(@Payload() event: CloudEvent, @Ctx() delivery: Delivery): Promise<void> {
    return this.observe(EVENT_NAMES.userMessage, event, delivery);
  }

  @EventPattern<EventName>(EVENT_NAMES.approval, COMMANDER_TRANSPORT)
  approval(@Payload() event: CloudEvent, @Ctx() delivery: Delivery): Promise<void> {
    return this.observe(EVENT_NAMES.approval, event, delivery);
  }

  @EventPattern<EventName>(EVENT_NAMES.resolution, COMMANDER_TRANSPORT)
  resolution(@Payload() event: CloudEvent, @Ctx() delivery: Delivery): Promise<void> {
    return this.observe(EVENT_NAMES.resolution, event, delivery);
  }

  @EventPattern<EventName>(EVENT_NAMES.deadLetter, COMMANDER_TRANSPORT)
  deadLetter(@Payload() event: CloudEvent, @Ctx() delivery: Delivery): Promise<void> {
    return this.observe(EVENT_NAMES.deadLetter, event, delivery);
  }

  @EventPattern<EventName>(EVENT_NAMES.redriven, COMMANDER_TRANSPORT)
  redriven(@Payload() event: CloudEvent, @Ctx() delivery: Delivery): Promise<void> {
    return this.observe(EVENT_NAMES.redriven, event, delivery);
  }

  private observe(name: EventName, event: CloudEvent, delivery: Delivery): Promise<void> {
    return this.commander.observe(name, event, () => delivery.signal);
  }
}
