import { DormouseError } from '#contracts';

/** What a record is given back with at a shutdown: it isn't finished, whoever has its partition next runs it. */
export const closing = (): DormouseError =>
  new DormouseError('closed', 'the dispatcher is shutting down; the intent goes to the next one', {
    retryable: true,
  });
