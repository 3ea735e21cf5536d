import { Controller, Get, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { ToolCatalogue, type ToolList, toolView } from '#contracts';
import { refuseQuery } from './request.js';

@Controller('v1/tools')
export class ToolsController {
  constructor(private readonly tools: ToolCatalogue) {}

  @Get()
  list(@Req() request: FastifyRequest): ToolList {
    refuseQuery(request);
    return { tools: this.tools.list().map(toolView) };
  }
}
