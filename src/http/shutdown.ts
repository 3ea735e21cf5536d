import { setMaxListeners } from 'node:events';
import {
  type BeforeApplicationShutdown,
  Inject,
  Injectable,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { DormouseError } from '#contracts';
import { type ProcessSettings, settingsToken } from '../config/index.js';

/** How long an open connection has to end by itself, after all else has ended. */
const LAST_WORDS_MS = 1_000;
/** A process that is to end goes on to serve while requests come: until who sends them has seen that it isn't ready. */
const SERVES_ON_MS = 5_000;
/** Nobody asks any more. */
const QUIET_MS = 1_000;
const LOOK_MS = 50;

/**
 * The end of the process as those who hold connections see it. From `begin` on it isn't ready, live streams end, and
 * every answer closes its connection. If it serves on, requests are answered as ever meanwhile; then new work is refused.
 */
@Injectable()
export class Shutdown implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly beginning = new AbortController();
  private readonly closing = new AbortController();
  private readonly servingOn: Promise<void>[] = [];
  private lastRequestAt = -Infinity;

  /** Aborted when the process has begun to stop. One listener an open stream, however many there are. */
  readonly signal: AbortSignal = this.beginning.signal;
  /** Aborted when nothing new is taken any more. */
  readonly closed: AbortSignal = this.closing.signal;

  constructor(
    private readonly host: HttpAdapterHost,
    @Inject(settingsToken('process')) private readonly settings: ProcessSettings,
  ) {
    setMaxListeners(0, this.signal, this.closed);
  }

  onApplicationBootstrap(): void {
    this.server.prependListener('request', (request: IncomingMessage, response: ServerResponse) => {
      if (request.url?.startsWith('/v1/') === true) this.lastRequestAt = performance.now();
      // a client that keeps its connection would meet its end in the middle of a request
      if (this.begun) response.shouldKeepAlive = false;
    });
  }

  /**
   * To be called before the application is closed, which waits for running tools and open connections.
   * @param serveOn requests go on to be served until none comes for a moment, or some seconds are over: for a process
   *   whose clients, or the balancer before them, turn to another one
   */
  begin(serveOn: boolean): void {
    if (this.begun) return;
    this.beginning.abort();
    if (serveOn) this.servingOn.push(this.quiet().finally(() => this.closing.abort()));
    else this.closing.abort();
  }

  /** Consumers have drained. Who still holds a connection, because he doesn't read or send, is cut soon. */
  async beforeApplicationShutdown(): Promise<void> {
    await Promise.all(this.servingOn);
    const { server } = this;
    setTimeout(() => server.closeAllConnections(), LAST_WORDS_MS).unref();
  }

  get begun(): boolean {
    return this.signal.aborted;
  }

  /** For what would begin something new. */
  refuseNewWork(): void {
    if (this.closed.aborted)
      throw new DormouseError(
        'unavailable',
        'This process is shutting down; nothing was accepted. Repeat the call.',
        {
          retryable: true,
        },
      );
  }

  private async quiet(): Promise<void> {
    const end = performance.now() + Math.min(SERVES_ON_MS, this.settings.shutdownMs);
    while (performance.now() < end && performance.now() - this.lastRequestAt < QUIET_MS) await pause(LOOK_MS);
  }

  private get server(): Server {
    return this.host.httpAdapter.getHttpServer() as Server;
  }
}
