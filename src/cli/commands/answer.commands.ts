import { type Command, Option } from 'commander';
import {
  type ApprovalDecision,
  type Json,
  type ResolutionOutcome,
  RESOLUTIONS,
  type SessionView,
} from '#contracts';
import type { Context } from '../context.js';
import { EXIT } from '../exit-codes.js';
import { userName } from '../user-name.js';
import { UsageError } from './submission-file.js';

const byOption = (): Option =>
  new Option('--by <name>', 'who answers; kept in the timeline').default(userName() ?? 'dormouse', 'you');

/** Errors: {@link UsageError} */
const jsonOf = (option: string, text: string): Json => {
  try {
    return JSON.parse(text) as Json;
  } catch (error) {
    throw new UsageError(`Expected JSON for ${option}; came ${text.slice(0, 80)}: ${String(error)}`);
  }
};

const accepted = (session: SessionView): string =>
  `${session.session_id}  ${session.status}  (answer accepted)`;

interface ResolveOptions {
  by: string;
  reason: string;
  result?: string;
  parameters?: string;
}

export const addResolve = (program: Command, context: Context): void => {
  program
    .command('resolve')
    .summary('settle what a parked session stands still for')
    .argument('<id>', 'session id')
    .argument('<intent>', 'what `dormouse get` shows as stuck')
    .argument('<outcome>', RESOLUTIONS.join(', '))
    .requiredOption('--reason <text>', 'why; kept in the timeline')
    .addOption(byOption())
    .option('--result <json>', 'with succeeded: what the tool would have answered')
    .option('--parameters <json>', "with retry: instead of the intent's own")
    .action(
      async (id: string, intent: string, outcome: string, options: ResolveOptions, command: Command) => {
        const { client, terminal, json, exit } = context.of(command);
        const { by, reason, result, parameters } = options;
        if (!(RESOLUTIONS as readonly string[]).includes(outcome))
          throw new UsageError(`Expected one of ${RESOLUTIONS.join(', ')}; came ${outcome}.`);
        const session = await client.resolve(id, intent, {
          outcome: outcome as ResolutionOutcome,
          by,
          reason,
          ...(result === undefined ? {} : { result: jsonOf('--result', result) }),
          ...(parameters === undefined
            ? {}
            : { parameters: jsonOf('--parameters', parameters) as Record<string, Json> }),
        });
        terminal.print(json ? JSON.stringify(session) : accepted(session));
        exit(EXIT.ok);
      },
    );
};

interface ApprovalOptions {
  by: string;
  reason?: string;
  digest?: string;
}

const addApproval = (
  program: Command,
  context: Context,
  decision: ApprovalDecision,
  summary: string,
): void => {
  program
    .command(decision)
    .summary(summary)
    .argument('<id>', 'session id')
    .argument('<intent>', 'what `dormouse get` shows as waiting for approval')
    .addOption(byOption())
    .option('--reason <text>', 'why; kept in the timeline')
    .option('--digest <digest>', 'of the call as you saw it: no other is answered')
    .action(async (id: string, intent: string, options: ApprovalOptions, command: Command) => {
      const { client, terminal, json, exit } = context.of(command);
      const session = await client.approve(id, intent, { decision, ...options });
      terminal.print(json ? JSON.stringify(session) : accepted(session));
      exit(EXIT.ok);
    });
};

export const addApprove = (program: Command, context: Context): void => {
  addApproval(program, context, 'approve', 'let a call be made that is held for a person');
};

export const addReject = (program: Command, context: Context): void => {
  addApproval(program, context, 'reject', 'refuse a call that is held for a person');
};
