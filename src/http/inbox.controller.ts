import { Controller, HttpCode, Post, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import {
  ApprovalRequest,
  MessageRequest,
  ResolutionRequest,
  type SessionView,
  type Snapshot,
} from '#contracts';
import { Inbox, type SendContext, Sessions } from '#commander';
import { bodyOf, callerOf, idempotencyKeyOf, refuseQuery, sessionIdOf, tenantOf } from './request.js';
import { Shutdown } from './shutdown.js';
import { type Check, checkOf } from './validation.js';

const checkMessage = checkOf(MessageRequest);
const checkApproval = checkOf(ApprovalRequest);
const checkResolution = checkOf(ResolutionRequest);

/** What people send to a session that is under way. */
@Controller('v1/sessions/:id')
export class InboxController {
  constructor(
    private readonly inbox: Inbox,
    private readonly sessions: Sessions,
    private readonly shutdown: Shutdown,
  ) {}

  @Post('resolutions/:intent_id')
  @HttpCode(202)
  resolve(@Req() request: FastifyRequest): Promise<SessionView> {
    return this.take(request, checkResolution, (id, body, context) =>
      this.inbox.resolve(id, intentOf(request), body as ResolutionRequest, context),
    );
  }

  @Post('messages')
  @HttpCode(202)
  message(@Req() request: FastifyRequest): Promise<SessionView> {
    return this.take(request, checkMessage, (id, body, context) =>
      this.inbox.message(id, body as MessageRequest, context),
    );
  }

  @Post('approvals/:intent_id')
  @HttpCode(202)
  approve(@Req() request: FastifyRequest): Promise<SessionView> {
    return this.take(request, checkApproval, (id, body, context) =>
      this.inbox.approve(id, intentOf(request), body as ApprovalRequest, context),
    );
  }

  private async take(
    request: FastifyRequest,
    check: Check,
    send: (id: string, body: unknown, context: SendContext) => Promise<Snapshot>,
  ): Promise<SessionView> {
    refuseQuery(request);
    const tenant = tenantOf(request);
    const idempotencyKey = idempotencyKeyOf(request);
    const id = sessionIdOf(request);
    const body = bodyOf(request, check);
    this.shutdown.refuseNewWork();
    const context = {
      tenant,
      ...callerOf(request),
      ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
    };
    return this.sessions.view(await send(id, body, context));
  }
}

const intentOf = (request: FastifyRequest): string => (request.params as { intent_id: string }).intent_id;
