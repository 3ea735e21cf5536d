import { Controller, Get, HttpCode, Post, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import {
  type DeadLetterList,
  type DeadLetterView,
  deadLetterView,
  type RedriveAnswer,
  RedriveManyRequest,
  RedriveRequest,
} from '#contracts';
import { DeadLetters, type RedriveOrder } from '#commander';
import { deadLetterQueryOf } from './dead-letter-query.js';
import { shownRecord } from './record-view.js';
import { bodyOf, refuseQuery, tenantOf } from './request.js';
import { Shutdown } from './shutdown.js';
import { checkOf } from './validation.js';

const checkRedrive = checkOf(RedriveRequest);
const checkRedriveMany = checkOf(RedriveManyRequest);

const orderOf = ({ by = 'unnamed', reason }: RedriveRequest): RedriveOrder => ({
  by,
  ...(reason === undefined ? {} : { reason }),
});

const idOf = (request: FastifyRequest): string => (request.params as { id: string }).id;

@Controller('v1/dead-letters')
export class DeadLettersController {
  constructor(
    private readonly letters: DeadLetters,
    private readonly shutdown: Shutdown,
  ) {}

  @Get()
  async list(@Req() request: FastifyRequest): Promise<DeadLetterList> {
    const { letters, nextCursor } = await this.letters.list(deadLetterQueryOf(request));
    return {
      dead_letters: letters.map(({ letter, redriven }) => deadLetterView(letter, redriven)),
      next_cursor: nextCursor ?? null,
    };
  }

  @Get(':id')
  async show(@Req() request: FastifyRequest): Promise<DeadLetterView> {
    refuseQuery(request);
    const { letter, redriven, value } = await this.letters.get(idOf(request), tenantOf(request));
    return deadLetterView(letter, redriven, shownRecord(value));
  }

  @Post('redrive')
  @HttpCode(202)
  async redriveAll(@Req() request: FastifyRequest): Promise<RedriveAnswer> {
    refuseQuery(request);
    const tenant = tenantOf(request);
    const { filter, ...who } = bodyOf(request, checkRedriveMany) as RedriveManyRequest;
    this.shutdown.refuseNewWork();
    const { session_id, ...rest } = filter;
    return this.letters.redriveAll(
      { tenant, ...rest, ...(session_id === undefined ? {} : { sessionId: session_id }) },
      orderOf(who),
    );
  }

  @Post(':id/redrive')
  @HttpCode(202)
  async redrive(@Req() request: FastifyRequest): Promise<DeadLetterView> {
    refuseQuery(request);
    const tenant = tenantOf(request);
    const order = orderOf(
      request.body === undefined ? {} : (bodyOf(request, checkRedrive) as RedriveRequest),
    );
    this.shutdown.refuseNewWork();
    const { letter, redriven } = await this.letters.redrive(idOf(request), tenant, order);
    return deadLetterView(letter, redriven);
  }
}
