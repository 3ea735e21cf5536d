import { Controller, Get, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ServerResponse } from 'node:http';
import { isTerminal, type TimelineEntry } from '#contracts';
import { Sessions } from '#commander';
import { SessionStore } from '#state';
import { InvalidRequest } from '../problem.js';
import { refuseQuery, sessionIdOf, tenantOf } from '../request.js';
import { Shutdown } from '../shutdown.js';
import { shown } from '../validation.js';
import { entryFeed } from './entry-feed.js';

/** Below the 30 s or more after which proxies cut an idle connection. */
const KEEP_ALIVE_MS = 15_000;
/** How long a browser waits before it connects again. */
const RETRY_MS = 1_000;

const lastEventIdOf = (request: FastifyRequest): number => {
  const value = request.headers['last-event-id'];
  if (value === undefined || value === '') return 0;
  if (typeof value === 'string' && /^\d{1,15}$/.test(value)) return Number(value);
  throw InvalidRequest.ofFields([
    {
      field: 'header.Last-Event-ID',
      expected: 'the `id` of an event of this stream (a whole number)',
      came: shown(value),
    },
  ]);
};

const eventOf = (entry: TimelineEntry): string => `id: ${entry.seq}\ndata: ${JSON.stringify(entry)}\n\n`;

/** Resolves when the client has taken what was written, or the stream is to end. */
const drained = (response: ServerResponse, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const done = (): void => {
      response.off('drain', done);
      signal.removeEventListener('abort', done);
      resolve();
    };
    response.on('drain', done);
    signal.addEventListener('abort', done);
    if (signal.aborted) done();
  });

/** Server-sent events. https://html.spec.whatwg.org/multipage/server-sent-events.html */
@Controller('v1/sessions')
export class EventsController {
  constructor(
    private readonly sessions: Sessions,
    private readonly store: SessionStore,
    private readonly shutdown: Shutdown,
  ) {}

  @Get(':id/events')
  async events(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    refuseQuery(request);
    const id = sessionIdOf(request);
    const after = lastEventIdOf(request);
    const snapshot = await this.sessions.get(id, { tenant: tenantOf(request) });
    this.shutdown.refuseNewWork();
    if (isTerminal(snapshot.status) && after >= snapshot.timeline_seq) {
      // all was seen: 204 is the answer that tells a browser not to connect again
      await reply.code(204).send();
      return;
    }
    reply.hijack();
    const response = reply.raw;
    response.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    });
    if (request.method === 'HEAD') {
      response.end();
      return;
    }
    await this.stream(response, id, after);
  }

  private async stream(response: ServerResponse, id: string, after: number): Promise<void> {
    const ended = new AbortController();
    const end = (): void => ended.abort();
    response.once('close', end);
    this.shutdown.signal.addEventListener('abort', end);
    try {
      response.write(`retry: ${RETRY_MS}\n\n`);
      for await (const page of entryFeed(this.store, id, {
        after,
        idleMs: KEEP_ALIVE_MS,
        signal: ended.signal,
      })) {
        if (ended.signal.aborted) break;
        const text = page.length === 0 ? ': still here\n\n' : page.map(eventOf).join('');
        if (!response.write(text)) await drained(response, ended.signal);
      }
      response.end();
    } catch {
      // the store can't be read: a cut makes the client come back with its Last-Event-ID
      response.destroy();
    } finally {
      response.off('close', end);
      this.shutdown.signal.removeEventListener('abort', end);
    }
  }
}
