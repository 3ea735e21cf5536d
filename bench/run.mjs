// npm run bench -- compare …, or embedded|kafka [measure …] [--sessions N] [--effect CLASS] [--split]
// Prints JSON lines alone on its standard output, one per measure.
import { build, isStale } from '../scripts/build.mjs';
import { readArguments, readCompareArguments, UsageError } from './arguments.mjs';
import { compare } from './compare.mjs';
import { ENGINES } from './engines.mjs';
import { MEASURES } from './measures/measures.mjs';
import { ROLES, startServer } from './server.mjs';

const print = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

const measured = async (measure, { engine: name, split, options }, engine) => {
  let server;
  try {
    const { run, layout = split ? ROLES.map((role) => [role]) : [ROLES] } = MEASURES[measure];
    server = await startServer({ env: engine.settings(), layout });
    const figures = await run({ server, engine, ...options });
    print({ measure, engine: name, ...(split ? { split } : {}), ...figures });
  } catch (error) {
    print({ measure, error: error instanceof Error ? error.message : String(error) });
    process.exitCode = 1;
  } finally {
    await server?.stop();
  }
};

const main = async () => {
  const [first, ...words] = process.argv.slice(2);
  const compared = first === 'compare' ? readCompareArguments(words) : undefined;
  const asked = compared ?? readArguments(process.argv.slice(2));
  if (isStale() && build({ quietStdout: true }) !== 0)
    throw new Error('the build failed; its messages are above');
  if (compared !== undefined) return compare(compared);
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
