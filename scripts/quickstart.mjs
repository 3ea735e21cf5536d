// `npm run quickstart`: from a fresh clone to a session that has ended, in one command. Installs and builds when needed,
// makes a database from an open data set, starts the runtime, submits a plan over it, follows it live, prints what
// happened and what came out, and stops. `npm run quickstart -- "<question>"` asks an LLM instead.
// Up to the build it needs nothing installed: only what Node brings.
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build, isStale } from './build.mjs';
import { install, isInstalled } from './installed.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const [NEEDED_MAJOR, NEEDED_MINOR] = [20, 19];
const question = process.argv.slice(2).join(' ').trim() || undefined;

/** Ends the quickstart; the message is for the person who ran it. */
class Trouble extends Error {}

const say = (text) => console.log(text);
const heading = (text) => say(`\n── ${text}`);

function checkNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major < NEEDED_MAJOR || (major === NEEDED_MAJOR && minor < NEEDED_MINOR))
    throw new Trouble(
      `Expected Node.js ${NEEDED_MAJOR}.${NEEDED_MINOR} or later; came ${process.versions.node}.`,
    );
}

function checkQuestion() {
  const { OPENAI_API_KEY, OPENAI_BASE_URL } = process.env;
  if (question !== undefined && !OPENAI_API_KEY && !OPENAI_BASE_URL)
    throw new Trouble(
      'A question needs an LLM: set OPENAI_API_KEY, or OPENAI_BASE_URL to a server that speaks the API (and OPENAI_MODEL).\nWithout a question the quickstart runs a plan, which needs none.',
    );
}

function prepare() {
  if (!isInstalled()) {
    heading('installing (npm ci)');
    if (!install({ quiet: true })) throw new Trouble('npm ci failed; its messages are above.');
  }
  if (isStale()) {
    heading('building');
    if (build() !== 0) throw new Trouble('The build failed; its messages are above.');
  }
}

/** The command line's own parts, which exist once it is built. */
const built = (path) => import(pathToFileURL(join(root, 'dist', 'src', 'cli', path)).href);

async function runSession(url) {
  const [{ ApiClient }, { followTimeline }, { LiveView }, { tellEnd }, { table }, { processTerminal }] =
    await Promise.all(
      [
        'api-client.js',
        'event-stream.js',
        'view/live-view.js',
        'view/result.js',
        'view/table.js',
        'view/terminal.js',
      ].map(built),
    );
  const { taskOf } = await import('./quickstart/tasks.mjs');
  const { callsOf, chart } = await import('./quickstart/timeline.mjs');
  const terminal = processTerminal();
  const client = new ApiClient(url, undefined);
  const task = taskOf(question);

  heading(question === undefined ? `a plan of ${task.plan.steps.length} queries` : `“${question}”`);
  const { session_id: id } = await client.submit(task, `quickstart-${process.pid}-${Date.now()}`);
  const entries = [];
  const view = new LiveView(terminal);
  try {
    for await (const entry of followTimeline(client, id)) {
      entries.push(entry);
      view.show(entry);
      // parked isn't terminal, and yet nothing more will happen by itself
      if (entry.type === 'status' && entry.payload.status === 'parked') break;
    }
  } finally {
    view.end();
  }
  const session = await client.get(id);
  heading('timeline');
  const titles = [
    { title: 'call' },
    { title: 'outcome' },
    { title: 'rows', right: true },
    { title: 'took', right: true },
    { title: '' },
  ];
  say(table(titles, chart(callsOf(entries, Date.parse(session.created_at))), terminal.columns));
  heading('answer');
  say(tellEnd(session, terminal));
  return session.status;
}

async function main() {
  checkNode();
  checkQuestion();
  prepare();
  const { makeWorld } = await import('./quickstart/world.mjs');
  const { startRuntime } = await import('./quickstart/runtime.mjs');
  const folder = mkdtempSync(join(tmpdir(), 'dormouse-quickstart-'));
  let runtime;
  const clean = async () => {
    await runtime?.stop();
    if (existsSync(folder)) rmSync(folder, { recursive: true, force: true });
  };
  process.once('SIGINT', () => void clean().then(() => process.exit(130)));
  process.once('SIGTERM', () => void clean().then(() => process.exit(143)));
  try {
    heading('the database');
    const database = join(folder, 'world.sqlite');
    const counts = Object.entries(makeWorld(database));
    say(counts.map(([name, rows]) => `${rows} ${name}`).join(', '));
    heading('the runtime');
    const startedAt = performance.now();
    runtime = await startRuntime({ folder, database });
    say(`all roles in one process, on ${runtime.url}, after ${Math.round(performance.now() - startedAt)} ms`);
    const status = await runSession(runtime.url);
    if (status !== 'completed') throw new Trouble(`Expected the session to be completed; it is ${status}.`);
  } finally {
    await clean();
  }
  say('\nNext: `npm start` runs the server, `npx dormouse --help` talks to it, README.md says the rest.');
}

try {
  await main();
} catch (error) {
  console.error(`\n${error instanceof Trouble ? error.message : (error?.stack ?? error)}`);
  process.exitCode = 1;
}
