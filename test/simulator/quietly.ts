import { afterAll, beforeAll } from '@jest/globals';
import { Logger } from '@nestjs/common';

/** The tools of a schedule fail on purpose, and so do its servers: nobody is told of each, and no stack is kept. */
export const quietly = (): void => {
  const { stackTraceLimit } = Error;
  beforeAll(() => {
    Logger.overrideLogger(false);
    Error.stackTraceLimit = 0;
  });
  afterAll(() => {
    Logger.overrideLogger(true);
    Error.stackTraceLimit = stackTraceLimit;
  });
};
