import { type Environment, misspelt, readSettings, type Settings } from './config/index.js';
import { letOthersGoFirst } from './priority.js';
import { type Runtime, startRuntime } from './runtime.js';
import { tellStartError } from './start-error.js';
import { StartLogger } from './start-logger.js';

/** Exit codes of the server. An orderly stop is 0, so that a supervisor can tell it from a kill. */
export const SERVER_EXIT = { stopped: 0, failed: 1, interruptedTwice: 130 } as const;

const logger = new StartLogger('Dormouse');

/**
 * Runs the server until it is asked to stop. SIGTERM and SIGINT drain it; a second SIGINT doesn't wait. Whatever stops
 * the start is printed in one message, and the exit code is 1.
 */
export const run = async (environment: Environment): Promise<void> => {
  let runtime: Runtime | undefined;
  let stopping = false;
  const stop = (signal: NodeJS.Signals): void => {
    // while it starts nothing was accepted, and what the last process left is safe
    if (runtime === undefined) process.exit(SERVER_EXIT.stopped);
    if (stopping) {
      if (signal === 'SIGINT') process.exit(SERVER_EXIT.interruptedTwice);
      return;
    }
    stopping = true;
    logger.log(`${signal} received, closing`);
    // a supervisor sends SIGTERM, and has others that requests go to; a person at a terminal wants it to end
    runtime.close({ serveOn: signal === 'SIGTERM' }).then(
      () => process.exit(SERVER_EXIT.stopped),
      (error: unknown) => fail('could not close cleanly', error),
    );
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  // a tool's forgotten promise is the tool's fault, and no reason to stop everybody else's
  process.on('unhandledRejection', (error) =>
    logger.error('a promise was rejected and nobody looked', stackOf(error)),
  );

  try {
    const settings = readSettings(environment);
    for (const sentence of misspelt(environment)) logger.warn(sentence);
    letOthersGoFirst(settings.process.roles);
    runtime = await startRuntime(settings, { logger });
    logger.log(`${settings.process.roles.join(', ')}; data in ${dataPlace(settings)}`);
    logger.log(`listening on ${runtime.url}`);
  } catch (error) {
    process.stderr.write(`${tellStartError(error)}\n`);
    process.exit(SERVER_EXIT.failed);
  }
  fail('storage has failed', await runtime.failed);
};

const dataPlace = ({ servers, engine }: Settings): string =>
  servers === undefined ? engine.dataDir : 'Kafka and Redis';

const stackOf = (error: unknown): string =>
  error instanceof Error ? (error.stack ?? error.message) : String(error);

const fail = (what: string, error: unknown): never => {
  logger.error(what, stackOf(error));
  process.exit(SERVER_EXIT.failed);
};
