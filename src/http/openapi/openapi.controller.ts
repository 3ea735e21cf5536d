import { Controller, Get, Header, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { refuseQuery } from '../request.js';
import { openApiDocument } from './document.js';

@Controller()
export class OpenApiController {
  private document: string | undefined;

  @Get('openapi.json')
  @Header('content-type', 'application/json; charset=utf-8')
  get(@Req() request: FastifyRequest): string {
    refuseQuery(request);
    // made when it is first asked for: a start needs no description of itself
    this.document ??= JSON.stringify(openApiDocument());
    return this.document;
  }
}
