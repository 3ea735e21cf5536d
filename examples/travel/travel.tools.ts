import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { IsIn, IsInt, IsNumber, IsOptional, IsString, Max, Min, MinLength } from 'class-validator';
import { NonRetryableError, Tool, type ToolContext } from 'dormouse';

/**
 * How a call goes wrong, to see what becomes of its session:
 * - `fail`: it is refused, and nothing was done
 * - `hang`: it never answers, and stops when it is told to: nobody knows whether it was done
 * - `time_out`: the same, and it doesn't even stop
 */
const MISBEHAVIOURS = ['fail', 'hang', 'time_out'] as const;

class Behaviour {
  @IsOptional()
  @IsIn([...MISBEHAVIOURS])
  behave?: (typeof MISBEHAVIOURS)[number];

  /** how long it takes, ms */
  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(600_000)
  ms?: number;
}

class BookFlight extends Behaviour {
  @IsString()
  @MinLength(1)
  to!: string;
}

class BookHotel extends Behaviour {
  @IsString()
  @MinLength(1)
  city!: string;
}

class Cancel extends Behaviour {
  @IsString()
  @MinLength(1)
  booking!: string;
}

class SendBill extends Behaviour {
  @IsOptional()
  @IsNumber()
  flight?: number;

  @IsOptional()
  @IsNumber()
  hotel?: number;
}

/** Two seconds: long enough for a call that works, short enough to watch one that doesn't. */
const LIMITS = { timeoutMs: 2_000, retry: { maxAttempts: 3, initialMs: 100, maxMs: 500 } };
const USUAL_MS = 20;

/** Ends after `ms`, or with the signal's reason. */
const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      reject(signal.reason as Error);
    });
  });

const call = async ({ behave, ms }: Behaviour, { signal }: ToolContext): Promise<void> => {
  if (behave === 'fail') throw new NonRetryableError('the other side refused; nothing was done');
  if (behave === 'hang') await pause(2 ** 31 - 1, signal);
  if (behave === 'time_out') await new Promise(() => undefined);
  await pause(ms ?? USUAL_MS, signal);
};

/** The same key gives the same booking, however often it is asked for. */
const number = (kind: string, { idempotencyKey }: ToolContext): string =>
  `${kind}-${createHash('sha256').update(idempotencyKey).digest('hex').slice(0, 8)}`;

@Injectable()
export class TravelTools {
  @Tool({
    name: 'book_flight',
    description: 'Books a flight; returns { booking_id, to, price }.',
    parameters: BookFlight,
    effect: 'compensatable',
    compensation: 'cancel_flight',
    ...LIMITS,
  })
  async bookFlight(parameters: BookFlight, context: ToolContext): Promise<unknown> {
    await call(parameters, context);
    return { booking_id: number('FL', context), to: parameters.to, price: 420 };
  }

  @Tool({
    name: 'cancel_flight',
    description: 'Cancels a flight; a booking that is cancelled already, or never was, stays so.',
    parameters: Cancel,
    effect: 'idempotent',
    ...LIMITS,
  })
  async cancelFlight(parameters: Cancel, context: ToolContext): Promise<unknown> {
    await call(parameters, context);
    return { cancelled: parameters.booking };
  }

  @Tool({
    name: 'book_hotel',
    description: 'Books a hotel; returns { booking_id, city, price }.',
    parameters: BookHotel,
    effect: 'compensatable',
    compensation: 'cancel_hotel',
    ...LIMITS,
  })
  async bookHotel(parameters: BookHotel, context: ToolContext): Promise<unknown> {
    await call(parameters, context);
    return { booking_id: number('HO', context), city: parameters.city, price: 180 };
  }

  @Tool({
    name: 'cancel_hotel',
    description: 'Cancels a hotel; a booking that is cancelled already, or never was, stays so.',
    parameters: Cancel,
    effect: 'idempotent',
    ...LIMITS,
  })
  async cancelHotel(parameters: Cancel, context: ToolContext): Promise<unknown> {
    await call(parameters, context);
    return { cancelled: parameters.booking };
  }

  @Tool({
    name: 'send_bill',
    description: 'Sends the bill; a bill that was sent is sent. Returns { bill_id, total }.',
    parameters: SendBill,
    effect: 'irreversible',
    ...LIMITS,
  })
  async sendBill(parameters: SendBill, context: ToolContext): Promise<unknown> {
    await call(parameters, context);
    return { bill_id: number('BI', context), total: (parameters.flight ?? 0) + (parameters.hotel ?? 0) };
  }
}
