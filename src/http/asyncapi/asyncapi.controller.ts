import { Controller, Get, Header, Inject, Param, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { DormouseError, EVENT_VERSION } from '#contracts';
import { type LogSettings, type ProtocolSettings, settingsToken } from '../../config/index.js';
import { refuseQuery } from '../request.js';
import { asyncApiDocument } from './document.js';
import { ALL_EVENTS, eventSchemaDocument } from './event-schema.js';

/** Describes the log, and the payloads of its events. */
@Controller()
export class AsyncApiController {
  private document: string | undefined;

  constructor(
    @Inject(settingsToken('log')) private readonly log: LogSettings,
    @Inject(settingsToken('protocol')) private readonly protocol: ProtocolSettings,
  ) {}

  @Get('asyncapi.json')
  @Header('content-type', 'application/json; charset=utf-8')
  get(@Req() request: FastifyRequest): string {
    refuseQuery(request);
    // made when it is first asked for: a start needs no description of itself
    this.document ??= JSON.stringify(asyncApiDocument({ ...this.log, ...this.protocol }));
    return this.document;
  }

  @Get(`schemas/:name/v${EVENT_VERSION}`)
  @Header('content-type', 'application/schema+json; charset=utf-8')
  schema(@Req() request: FastifyRequest, @Param('name') name: string): string {
    refuseQuery(request);
    const schema = eventSchemaDocument(name);
    if (schema === undefined)
      throw new DormouseError(
        'not_found',
        `There is no event ${JSON.stringify(name)}; there are ${ALL_EVENTS.join(', ')}.`,
      );
    return JSON.stringify(schema);
  }
}
