import { Controller, Get, Req, Res } from '@nestjs/common';
import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { TimelineEntry } from '#contracts';
import { Sessions } from '#commander';
import { SessionStore } from '#state';
import { refuseQuery, sessionIdOf, tenantOf } from './request.js';

/** Entries read at once; a result may be megabytes. */
const PAGE = 16;

@Controller('v1/sessions')
export class TimelineController {
  constructor(
    private readonly sessions: Sessions,
    private readonly store: SessionStore,
  ) {}

  @Get(':id/timeline')
  async timeline(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    refuseQuery(request);
    const id = sessionIdOf(request);
    await this.sessions.get(id, { tenant: tenantOf(request) });
    // read before the answer begins: a store that is down is still a problem document
    const first = await this.store.timeline(id, { limit: PAGE });
    await reply
      .code(200)
      .header('content-type', 'application/json; charset=utf-8')
      .send(Readable.from(this.document(id, first), { objectMode: false }));
  }

  /** The answer in pieces, so that a long timeline is never held whole. */
  private async *document(id: string, first: TimelineEntry[]): AsyncGenerator<string> {
    yield `{"session_id":${JSON.stringify(id)},"entries":[`;
    let page = first;
    let separator = '';
    while (page.length > 0) {
      yield separator + page.map((entry) => JSON.stringify(entry)).join(',');
      separator = ',';
      const after = page.at(-1)?.seq ?? 0;
      page = page.length < PAGE ? [] : await this.store.timeline(id, { after, limit: PAGE });
    }
    yield ']}';
  }
}
