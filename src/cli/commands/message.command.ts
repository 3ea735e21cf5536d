import type { Command } from 'commander';
import type { Context } from '../context.js';
import { EXIT } from '../exit-codes.js';
import { follow } from './follow.js';

export const addMessage = (program: Command, context: Context): void => {
  program
    .command('message')
    .summary('write to a session; answers its question, if it asks one')
    .argument('<id>', 'session id')
    .argument('<text>', 'what it reads before it thinks next')
    .option('-f, --follow', 'print what happens, live, until the session ends')
    .action(async (id: string, content: string, options: { follow?: boolean }, command: Command) => {
      const { client, terminal, json, exit } = context.of(command);
      const session = await client.message(id, { content });
      if (options.follow === true) {
        exit(await follow(client, session, { terminal, json }));
        return;
      }
      terminal.print(
        json ? JSON.stringify(session) : `${session.session_id}  ${session.status}  (message accepted)`,
      );
      exit(EXIT.ok);
    });
};
