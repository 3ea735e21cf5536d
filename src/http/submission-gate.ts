import { Injectable } from '@nestjs/common';
import { DormouseError } from '#contracts';

/**
 * So many single submissions are under way at once; more would only wait in memory. A batch needs no gate: it isn't
 * read faster than it is answered.
 */
export const MAX_UNDER_WAY = 10_000;

@Injectable()
export class SubmissionGate {
  private underWay = 0;

  /** Errors: `overloaded` */
  async pass<T>(work: () => Promise<T>): Promise<T> {
    if (this.underWay >= MAX_UNDER_WAY)
      throw new DormouseError(
        'overloaded',
        `Expected at most ${MAX_UNDER_WAY} submissions under way at once; wait, or use POST /v1/sessions/batch.`,
        { retryable: true },
      );
    this.underWay += 1;
    try {
      return await work();
    } finally {
      this.underWay -= 1;
    }
  }
}
