import { Command, CommanderError } from 'commander';
import { VERSION } from '../version.js';
import { ApiProblem, Unreachable } from './api-client.js';
import { addApprove, addReject, addResolve } from './commands/answer.commands.js';
import { addDeadLetters } from './commands/dead-letter.commands.js';
import { addDoctor } from './commands/doctor.command.js';
import { addMessage } from './commands/message.command.js';
import { addRebuild } from './commands/rebuild.command.js';
import { addCancel, addGet, addList, addTools } from './commands/session.commands.js';
import { addStart } from './commands/start.command.js';
import { addSubmit } from './commands/submit.command.js';
import { addVerify } from './commands/verify.command.js';
import { Context } from './context.js';
import { EXIT, EXIT_HELP, type ExitCode } from './exit-codes.js';
import type { Terminal } from './view/terminal.js';

const tellProblem = ({ problem }: ApiProblem, terminal: Terminal, json: boolean): void => {
  terminal.complain(json ? JSON.stringify(problem) : `${problem.code}: ${problem.detail}`);
};

/**
 * Runs one command line (without node and script). Resolves with the exit code; undefined while a server that was
 * started goes on.
 */
export const runProgram = async (
  args: readonly string[],
  terminal: Terminal,
): Promise<ExitCode | undefined> => {
  let code: ExitCode | undefined;
  const context = new Context(terminal, (exit) => (code = exit));
  const program = new Command('dormouse')
    .description('Event-driven runtime for AI agents')
    .version(VERSION)
    .option('--url <url>', 'the server (DORMOUSE_URL)')
    .option('--tenant <name>', 'whose sessions (header Dormouse-Tenant)')
    .option('--json', 'JSON for machines')
    .addHelpText('after', EXIT_HELP)
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: (text) => terminal.print(text.trimEnd()),
      writeErr: (text) => terminal.complain(text.trimEnd()),
    })
    .showHelpAfterError('(dormouse --help tells more)')
    .exitOverride();
  addStart(program);
  addDoctor(program, context);
  addRebuild(program, context);
  addSubmit(program, context);
  addGet(program, context);
  addList(program, context);
  addCancel(program, context);
  addMessage(program, context);
  addApprove(program, context);
  addReject(program, context);
  addResolve(program, context);
  addTools(program, context);
  addDeadLetters(program, context);
  addVerify(program, context);
  for (const command of program.commands.flatMap((command) => [command, ...command.commands]))
    command.exitOverride().addHelpText('after', EXIT_HELP);
  try {
    await program.parseAsync(args, { from: 'user' });
    return code;
  } catch (error) {
    // commander has printed its own complaint
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.error;
    if (error instanceof Unreachable) {
      terminal.complain(error.message);
      return EXIT.unreachable;
    }
    if (error instanceof ApiProblem)
      tellProblem(error, terminal, program.opts<{ json?: boolean }>().json === true);
    else terminal.complain(error instanceof Error ? error.message : String(error));
    return EXIT.error;
  }
};
