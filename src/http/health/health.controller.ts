import { Controller, Get, Inject, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Liveness, Readiness } from '#contracts';
import { type ProcessSettings, settingsToken } from '../../config/index.js';
import { VERSION } from '../../version.js';
import { refuseQuery } from '../request.js';
import { Shutdown } from '../shutdown.js';
import { readinessOf } from './readiness.js';
import { ReadyChecks } from './ready-checks.js';

@Controller('health')
export class HealthController {
  constructor(
    @Inject(settingsToken('process')) private readonly settings: ProcessSettings,
    private readonly shutdown: Shutdown,
    private readonly checks: ReadyChecks,
  ) {}

  /** The process runs; says nothing about what it needs. */
  @Get('live')
  live(@Req() request: FastifyRequest): Liveness {
    refuseQuery(request);
    const { instance, roles } = this.settings;
    return { status: 'ok', pid: process.pid, instance, roles: [...roles], version: VERSION };
  }

  /** 503 while anything that the process needs doesn't work: send it no traffic. */
  @Get('ready')
  async ready(
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Readiness> {
    refuseQuery(request);
    const readiness = this.shutdown.begun
      ? { status: 'not_ready' as const, checks: [{ name: 'process', ok: false, detail: 'shutting down' }] }
      : await readinessOf(this.checks.list());
    if (readiness.status !== 'ready') void reply.code(503);
    return readiness;
  }
}
