import { randomUUID } from 'node:crypto';
import { type Command, Option } from 'commander';
import { MESSAGE_POLICIES, type MessagePolicy, type Plan, type Submission } from '#contracts';
import { EXIT } from '../exit-codes.js';
import type { Context } from '../context.js';
import { follow } from './follow.js';
import { readSubmission, UsageError } from './submission-file.js';

interface SubmitOptions {
  plan?: string;
  input?: string;
  instructions?: string;
  model?: string;
  tools?: string;
  saga?: boolean;
  metadata?: string[];
  deadline?: string;
  messages?: MessagePolicy;
  askUser?: boolean;
  follow?: boolean;
  idempotencyKey?: string;
}

const metadataOf = (pairs: readonly string[]): Record<string, string> =>
  Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf('=');
      if (at < 1) throw new UsageError(`Expected --metadata key=value; came ${pair}.`);
      return [pair.slice(0, at), pair.slice(at + 1)];
    }),
  );

const bodyOf = async (file: string | undefined, options: SubmitOptions): Promise<Submission> => {
  const sources = [file, options.plan, options.input].filter((source) => source !== undefined);
  if (sources.length !== 1)
    throw new UsageError('Expected one of: a file (or - for standard input), --plan FILE, --input TEXT.');
  const base: Submission =
    options.input !== undefined
      ? { input: options.input }
      : await readSubmission(file ?? options.plan ?? '-');
  if (options.plan !== undefined && base.plan === undefined)
    throw new UsageError(`Expected a plan in ${options.plan} (an object with "steps"); came none.`);
  return {
    ...base,
    ...(options.instructions === undefined ? {} : { instructions: options.instructions }),
    ...(options.model === undefined ? {} : { model: options.model }),
    ...(options.tools === undefined ? {} : { tools: options.tools.split(',').map((name) => name.trim()) }),
    ...(options.saga === true ? { saga: true } : {}),
    ...(options.metadata === undefined
      ? {}
      : { metadata: { ...base.metadata, ...metadataOf(options.metadata) } }),
    ...(options.deadline === undefined ? {} : { deadline: options.deadline }),
    ...(options.messages === undefined ? {} : { messages: options.messages }),
    ...(options.askUser === true ? { ask_user: true } : {}),
  } satisfies Submission & { plan?: Plan };
};

export const addSubmit = (program: Command, context: Context): void => {
  program
    .command('submit')
    .summary('give a task to an agent')
    .description(
      'Submits a session: a file with the body of POST /v1/sessions or a bare plan, - for standard input.',
    )
    .argument('[file]', 'JSON file, or - for standard input')
    .option('--plan <file>', 'a plan: an object with "steps"')
    .option('--input <text>', 'a text for the LLM')
    .option('--instructions <text>', 'the system prompt')
    .option('--model <name>', 'the LLM')
    .option('--tools <names>', 'only these tools, comma separated')
    .option('--saga', 'undo what was done when a step fails')
    .option('--metadata <key=value...>', 'kept with the session; `list` can filter by it')
    .option('--deadline <time>', 'RFC 3339; the session ends then')
    .addOption(
      new Option('--messages <policy>', 'what people write to it later is kept, or refused').choices(
        MESSAGE_POLICIES,
      ),
    )
    .option('--ask-user', 'let the model ask questions; `dormouse message` answers them')
    .option('--idempotency-key <key>', 'the same key and body: the same session')
    .option('-f, --follow', 'print what happens, live, until the session ends')
    .action(async (file: string | undefined, options: SubmitOptions, command: Command) => {
      const { client, terminal, json, exit } = context.of(command);
      const session = await client.submit(
        await bodyOf(file, options),
        options.idempotencyKey ?? randomUUID(),
      );
      if (options.follow === true) {
        exit(await follow(client, session, { terminal, json }));
        return;
      }
      terminal.print(json ? JSON.stringify(session) : `${session.session_id}  ${session.status}`);
      exit(EXIT.ok);
    });
};
