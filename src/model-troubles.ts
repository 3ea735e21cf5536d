import { Logger } from '@nestjs/common';
import type { OpenAiOptions } from '#commander';

type Trouble = Parameters<NonNullable<OpenAiOptions['onTrouble']>>[0];

/** While a server is away each session's requests fail: one of them is told in so long. */
const TELL_EVERY_MS = 1_000;

/** Counts the requests to a model's server that failed, and tells of them in the log. */
export class ModelTroubles {
  private readonly log = new Logger('Model');
  private told = -Infinity;
  private untold = 0;
  /** requests, since the start */
  failed = 0;

  readonly tell = ({ session_id: id, model, attempt, message, wait_ms: waitMs }: Trouble): void => {
    this.failed++;
    const now = performance.now();
    if (now - this.told < TELL_EVERY_MS) {
      this.untold++;
      return;
    }
    const next = waitMs === null ? 'this step asks no more' : `again in ${Math.round(waitMs)} ms`;
    const others = this.untold === 0 ? '' : ` (and ${this.untold} before it)`;
    this.log.warn(`${model}, request ${attempt} for ${id} failed: ${message}; ${next}${others}`);
    this.told = now;
    this.untold = 0;
  };
}
