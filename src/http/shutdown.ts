import { setMaxListeners } from 'node:events';
import { type BeforeApplicationShutdown, Injectable } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { Server } from 'node:http';
import { DormouseError } from '#contracts';

/** How long an open connection has to end by itself, after all else has ended. */
const LAST_WORDS_MS = 1_000;

/** Tells those who hold connections that the process is about to end: streams end, new work is refused. */
@Injectable()
export class Shutdown implements BeforeApplicationShutdown {
  private readonly controller = new AbortController();

  /** Aborted when the process has begun to stop. One listener an open stream, however many there are. */
  readonly signal: AbortSignal = this.controller.signal;

  constructor(private readonly host: HttpAdapterHost) {
    setMaxListeners(0, this.signal);
  }

  /** To be called before the application is closed, which waits for running tools and open connections. */
  begin(): void {
    this.controller.abort();
  }

  /** Consumers have drained. Who still holds a connection, because he doesn't read or send, is cut soon. */
  beforeApplicationShutdown(): void {
    const server = this.host.httpAdapter.getHttpServer() as Server;
    setTimeout(() => server.closeAllConnections(), LAST_WORDS_MS).unref();
  }

  get begun(): boolean {
    return this.signal.aborted;
  }

  /** For what would begin something new. */
  refuseNewWork(): void {
    if (this.begun)
      throw new DormouseError(
        'unavailable',
        'This process is shutting down; nothing was accepted. Repeat the call.',
        {
          retryable: true,
        },
      );
  }
}
