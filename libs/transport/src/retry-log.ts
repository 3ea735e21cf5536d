import type { LoggerService } from '@nestjs/common';
import type { Delivery } from './delivery.js';

/** One line per this time about failing handlers, however many fail: a store that is down fails them all. */
const WARN_EVERY_MS = 1_000;

/** What Nest's own filter makes of an error that it wasn't kept from. */
const isHidden = (error: unknown): boolean =>
  typeof error === 'object' &&
  error !== null &&
  !(error instanceof Error) &&
  (error as { status?: unknown }).status === 'error';

const describe = (error: unknown): string => {
  if (isHidden(error)) return 'an error that an exception filter has hidden (see OriginalErrorFilter)';
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
};

export const placeOf = ({ topic, partition, offset, key }: Delivery): string =>
  `${topic}/${String(partition)}/${String(offset)} of ${key ?? 'no key'}`;

/** Tells of handlers that failed and will be called again. */
export class RetryLog {
  private warnedAt = -Infinity;
  private unwarned = 0;

  constructor(private readonly logger: LoggerService) {}

  failed(error: unknown, delivery: Delivery, delayMs: number): void {
    const now = Date.now();
    if (now - this.warnedAt < WARN_EVERY_MS) {
      this.unwarned++;
      return;
    }
    const more = this.unwarned > 0 ? ` (and ${String(this.unwarned)} more since the last line)` : '';
    const { deliveries } = delivery;
    this.logger.warn(
      `${placeOf(delivery)} failed, delivery ${String(deliveries)}; again in ${String(delayMs)} ms${more}: ${describe(error)}`,
    );
    this.warnedAt = now;
    this.unwarned = 0;
  }
}
