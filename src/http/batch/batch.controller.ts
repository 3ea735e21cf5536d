import { Controller, Inject, Post, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Readable } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { type BatchAnswer, BatchLine, DormouseError } from '#contracts';
import { Sessions } from '#commander';
import { type HttpSettings, settingsToken } from '../../config/index.js';
import { NDJSON_TYPES } from '../fastify.js';
import { parseJson } from '../json-body.js';
import { InvalidRequest, problemOf } from '../problem.js';
import { refuseQuery, tenantOf } from '../request.js';
import { Shutdown } from '../shutdown.js';
import { checkOf } from '../validation.js';
import { type Line, LineSplitter } from './line-splitter.js';
import { OrderedAnswers } from './ordered-answers.js';

const checkLine = checkOf(BatchLine);
/**
 * So many lines are begun in one turn of the event loop: what they begin then goes on before more is begun. A process that
 * works its sessions off as well has few under way at a time, and what it holds of each dies young.
 */
const TURN_LINES = 16;
const BLANK = /^[ \t\r]*$/;
/** Longer lines hold something: looking for a blank one stops there. */
const BLANK_BYTES = 64;

const isBlank = (line: Line): boolean =>
  line !== 'too_long' && line.length <= BLANK_BYTES && BLANK.test(line.toString('latin1'));

/** The next chunk; undefined once `signal` is aborted, whether the client goes on or not. */
const nextUnless = (
  signal: AbortSignal,
  chunks: AsyncIterator<Buffer>,
): Promise<IteratorResult<Buffer> | undefined> =>
  new Promise((resolve, reject) => {
    const stop = (): void => resolve(undefined);
    signal.addEventListener('abort', stop);
    if (signal.aborted) stop();
    chunks
      .next()
      .then(resolve, reject)
      .finally(() => signal.removeEventListener('abort', stop));
  });

/** How a burst is loaded: lines in, answers out, both streamed, in order. */
@Controller('v1/sessions')
export class BatchController {
  private readonly lineLimitBytes: number;

  constructor(
    private readonly sessions: Sessions,
    private readonly shutdown: Shutdown,
    @Inject(settingsToken('http')) settings: HttpSettings,
  ) {
    this.lineLimitBytes = settings.bodyLimitBytes;
  }

  @Post('batch')
  async batch(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    refuseQuery(request);
    const tenant = tenantOf(request);
    this.shutdown.refuseNewWork();
    const mediaType = request.headers['content-type']?.split(';')[0]?.trim().toLowerCase() ?? '';
    if (!NDJSON_TYPES.includes(mediaType))
      throw new DormouseError(
        'unsupported_media_type',
        `Expected lines of ${NDJSON_TYPES.join(' or ')}; came ${JSON.stringify(mediaType)}.`,
      );
    reply.hijack();
    reply.raw.writeHead(200, { 'content-type': 'application/x-ndjson', 'cache-control': 'no-store' });
    // a client may wait for the head before it sends its first line
    reply.raw.flushHeaders();
    const answers = new OrderedAnswers(reply.raw);
    try {
      await this.answerAll(request.body as Readable, answers, tenant);
      await answers.written();
      reply.raw.end();
    } catch {
      // what was read is answered; the cut tells that the rest wasn't read
      await answers.written();
      reply.raw.destroy();
    }
  }

  private async answerAll(input: Readable, answers: OrderedAnswers, tenant: string): Promise<void> {
    const splitter = new LineSplitter(this.lineLimitBytes);
    let begun = 0;
    const take = async (lines: readonly Line[]): Promise<void> => {
      for (const line of lines) {
        if (isBlank(line)) continue;
        if (answers.isFull()) await answers.room();
        answers.add(this.answer(line, tenant), line.length);
        if (++begun % TURN_LINES === 0) await nextTurn();
      }
    };
    const chunks = input[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
    for (;;) {
      const next = await nextUnless(this.shutdown.closed, chunks);
      this.shutdown.refuseNewWork();
      if (next?.done !== false) break;
      await take(splitter.push(next.value));
    }
    await take(splitter.end());
  }

  /** One line's answer; a line that is wrong costs no other line anything. */
  private async answer(line: Line, tenant: string): Promise<string> {
    try {
      return `${JSON.stringify(await this.submit(line, tenant))}\n`;
    } catch (error) {
      return `${JSON.stringify(problemOf(error))}\n`;
    }
  }

  private async submit(line: Line, tenant: string): Promise<BatchAnswer> {
    if (line === 'too_long')
      throw new DormouseError(
        'body_too_large',
        `Expected a line of at most ${this.lineLimitBytes} bytes (DORMOUSE_BODY_LIMIT); came a longer one.`,
      );
    const body = parseJson(line);
    const problems = checkLine(body);
    if (problems !== undefined) throw InvalidRequest.ofFields(problems);
    const { idempotency_key: idempotencyKey, ...submission } = body as BatchLine;
    const { snapshot } = await this.sessions.submit(submission, {
      tenant,
      ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
    });
    return { session_id: snapshot.session_id, status: snapshot.status };
  }
}
