import { Controller, Get, HttpCode, Post, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { CancelRequest, type SessionList, type SessionView, Submission } from '#contracts';
import { Sessions } from '#commander';
import { listQueryOf } from './list-query.js';
import { bodyOf, callerOf, idempotencyKeyOf, refuseQuery, sessionIdOf, tenantOf } from './request.js';
import { Shutdown } from './shutdown.js';
import { SubmissionGate } from './submission-gate.js';
import { checkOf } from './validation.js';

const checkSubmission = checkOf(Submission);
const checkCancel = checkOf(CancelRequest);

@Controller('v1/sessions')
export class SessionsController {
  constructor(
    private readonly sessions: Sessions,
    private readonly gate: SubmissionGate,
    private readonly shutdown: Shutdown,
  ) {}

  @Post()
  @HttpCode(202)
  async submit(
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SessionView> {
    refuseQuery(request);
    const tenant = tenantOf(request);
    const idempotencyKey = idempotencyKeyOf(request);
    const submission = bodyOf(request, checkSubmission) as Submission;
    this.shutdown.refuseNewWork();
    const { snapshot } = await this.gate.pass(() =>
      this.sessions.submit(submission, {
        tenant,
        ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
        ...callerOf(request),
      }),
    );
    void reply.header('location', `/v1/sessions/${snapshot.session_id}`);
    return this.sessions.view(snapshot);
  }

  @Get()
  async list(@Req() request: FastifyRequest): Promise<SessionList> {
    const { snapshots, nextCursor } = await this.sessions.list(listQueryOf(request));
    return { sessions: snapshots.map((s) => this.sessions.view(s)), next_cursor: nextCursor ?? null };
  }

  @Get(':id')
  async get(@Req() request: FastifyRequest): Promise<SessionView> {
    refuseQuery(request);
    const snapshot = await this.sessions.get(sessionIdOf(request), { tenant: tenantOf(request) });
    return this.sessions.view(snapshot);
  }

  @Post(':id/cancel')
  @HttpCode(202)
  async cancel(@Req() request: FastifyRequest): Promise<SessionView> {
    refuseQuery(request);
    const tenant = tenantOf(request);
    const idempotencyKey = idempotencyKeyOf(request);
    const id = sessionIdOf(request);
    const { reason, compensate } =
      request.body === undefined ? {} : (bodyOf(request, checkCancel) as CancelRequest);
    this.shutdown.refuseNewWork();
    const snapshot = await this.sessions.cancel(id, {
      tenant,
      ...(reason === undefined ? {} : { reason }),
      ...(compensate === undefined ? {} : { compensate }),
      ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
      ...callerOf(request),
    });
    return this.sessions.view(snapshot);
  }
}
