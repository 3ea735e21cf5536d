import { DormouseError } from '#contracts';

/**
 * Several processes died over the run that a record asks for, as its claim tells: it isn't begun here but alone, in a
 * child process. Where nobody can try it so, it is worth another delivery.
 */
export class SuspectError extends DormouseError {
  readonly suspect = true;

  /** @param deaths of owners of the claim, children that it was tried in included */
  constructor(
    intentId: string,
    readonly deaths: number,
  ) {
    super('unavailable', `${deaths} processes died while they ran ${intentId}: it has to be tried alone`, {
      retryable: true,
    });
  }

  static override is(value: unknown): value is SuspectError {
    return DormouseError.is(value) && (value as { suspect?: unknown }).suspect === true;
  }
}
