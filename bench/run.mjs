// npm run bench -- embedded|kafka [measure …] [--sessions N] [--effect CLASS] [--split]
// Prints JSON lines alone on its standard output, one per measure.
import { build, isStale } from '../scripts/build.mjs';
import { readArguments, UsageError } from './arguments.mjs';
import { ENGINES } from './engines.mjs';
import { MEASURES } from './measures/measures.mjs';
import { startServer } from './server.mjs';

const print = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

const measured = async (measure, { engine: name, split, options }, engine) => {
  let server;
  try {
    server = await startServer({ env: engine.settings(), split });
    const figures = await MEASURES[measure]({ server, engine, ...options });
    print({ measure, engine: name, ...(split ? { split } : {}), ...figures });
  } catch (error) {
    print({ measure, error: error instanceof Error ? error.message : String(error) });
    process.exitCode = 1;
  } finally {
    await server?.stop();
  }
};

const main = async () => {
  const asked = readArguments(process.argv.slice(2));
  if (isStale() && build({ quietStdout: true }) !== 0)
    throw new Error('the build failed; its messages are above');
  const engine = await ENGINES[asked.engine]();
  try {
    for (const measure of asked.measures) await measured(measure, asked, engine);
  } finally {
    await engine.stop();
  }
};

main().then(
  () => process.exit(),
  (error) => {
    process.stderr.write(`${error instanceof UsageError ? error.message : error.stack}\n`);
    process.exit(error instanceof UsageError ? 2 : 1);
  },
);
