import { setMaxListeners } from 'node:events';
import { Injectable } from '@nestjs/common';
import { DormouseError } from '#contracts';

/** Tells those who hold connections that the process is about to end: streams end, new work is refused. */
@Injectable()
export class Shutdown {
  private readonly controller = new AbortController();

  /** Aborted when the process has begun to stop. One listener an open stream, however many there are. */
  readonly signal: AbortSignal = this.controller.signal;

  constructor() {
    setMaxListeners(0, this.signal);
  }

  /** To be called before the application is closed, which waits for running tools and open connections. */
  begin(): void {
    this.controller.abort();
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
