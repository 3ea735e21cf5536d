import type { Command } from 'commander';
import type { SessionView } from '#contracts';
import type { Context } from '../context.js';
import { EXIT } from '../exit-codes.js';
import { entryLine } from '../view/entry-line.js';
import { tellQuestion } from '../view/question.js';
import { tellHeld } from '../view/held.js';
import { tellEnd } from '../view/result.js';
import { tellStuck } from '../view/stuck.js';
import { table } from '../view/table.js';
import { utcTime } from '../view/utc-time.js';
import { follow } from './follow.js';
import { UsageError } from './submission-file.js';

const subject = (session: SessionView): string =>
  session.input ?? session.plan?.steps.map((step) => step.id).join(', ') ?? '';

export const addGet = (program: Command, context: Context): void => {
  program
    .command('get')
    .summary('look at a session')
    .argument('<id>', 'session id')
    .option('-t, --timeline', 'all that happened in it')
    .option('-f, --follow', 'from its beginning, live, until it ends')
    .action(async (id: string, options: { timeline?: boolean; follow?: boolean }, command: Command) => {
      const { client, terminal, json, exit } = context.of(command);
      const session = await client.get(id);
      if (options.follow === true) {
        exit(await follow(client, session, { terminal, json }));
        return;
      }
      if (options.timeline === true) {
        const timeline = await client.timeline(id);
        if (json) terminal.print(JSON.stringify(timeline));
        else for (const entry of timeline.entries) terminal.print(entryLine(entry, terminal));
      } else if (json) terminal.print(JSON.stringify(session));
      else {
        terminal.print(tellEnd(session, terminal));
        if (session.question !== undefined) terminal.print(`\n${tellQuestion(session)}`);
        if (session.stuck !== undefined) terminal.print(`\n${tellStuck(session.stuck, terminal)}`);
        const running = session.pending.flatMap(({ tool_name, since, deadline, intent_id }) =>
          deadline === undefined ? [] : [[tool_name, utcTime(since), utcTime(deadline), intent_id]],
        );
        if (running.length > 0)
          terminal.print(
            `\n${table(
              [{ title: 'waits for' }, { title: 'since' }, { title: 'until at most' }, { title: 'intent' }],
              running,
              terminal.columns,
            )}`,
          );
        const held = tellHeld(session.pending, terminal);
        if (held !== undefined) terminal.print(`\n${held}`);
      }
      exit(EXIT.ok);
    });
};

interface ListOptions {
  status?: string;
  metadata?: string[];
  createdAfter?: string;
  limit: string;
  cursor?: string;
}

export const addList = (program: Command, context: Context): void => {
  program
    .command('list')
    .summary('list sessions, newest first')
    .option('--status <status>', 'only sessions in this status')
    .option('--metadata <key=value...>', 'only sessions that have it')
    .option('--created-after <time>', 'RFC 3339')
    .option('--limit <n>', 'at most so many', '20')
    .option('--cursor <cursor>', 'go on where the list before ended')
    .action(async (options: ListOptions, command: Command) => {
      const { client, terminal, json, exit } = context.of(command);
      const query = new URLSearchParams({ limit: options.limit });
      if (options.status !== undefined) query.set('status', options.status);
      if (options.createdAfter !== undefined) query.set('created_after', options.createdAfter);
      if (options.cursor !== undefined) query.set('cursor', options.cursor);
      for (const pair of options.metadata ?? []) {
        const at = pair.indexOf('=');
        if (at < 1) throw new UsageError(`Expected --metadata key=value; came ${pair}.`);
        query.set(`metadata.${pair.slice(0, at)}`, pair.slice(at + 1));
      }
      const page = await client.list(query);
      if (json) terminal.print(JSON.stringify(page));
      else if (page.sessions.length === 0) terminal.print('No sessions.');
      else {
        terminal.print(
          table(
            [
              { title: 'session' },
              { title: 'status' },
              { title: 'step', right: true },
              { title: 'brain' },
              { title: 'created (UTC)' },
              { title: 'task' },
            ],
            page.sessions.map((s) => [
              s.session_id,
              s.status,
              String(s.step),
              s.brain,
              utcTime(s.created_at),
              subject(s),
            ]),
            terminal.columns,
          ),
        );
        if (page.next_cursor !== null) terminal.print(`\nmore: dormouse list --cursor ${page.next_cursor}`);
      }
      exit(EXIT.ok);
    });
};

export const addCancel = (program: Command, context: Context): void => {
  program
    .command('cancel')
    .summary('cancel a session')
    .argument('<id>', 'session id')
    .option('--reason <text>', 'kept in the timeline')
    .option('--compensate', 'undo what was done')
    .action(async (id: string, options: { reason?: string; compensate?: boolean }, command: Command) => {
      const { client, terminal, json, exit } = context.of(command);
      const session = await client.cancel(id, options);
      terminal.print(
        json ? JSON.stringify(session) : `${session.session_id}  ${session.status}  (cancel requested)`,
      );
      exit(EXIT.ok);
    });
};

export const addTools = (program: Command, context: Context): void => {
  program
    .command('tools')
    .summary('list the tools that a session may use')
    .action(async (_options: unknown, command: Command) => {
      const { client, terminal, json, exit } = context.of(command);
      const { tools } = await client.tools();
      if (json) terminal.print(JSON.stringify({ tools }));
      else
        terminal.print(
          table(
            [
              { title: 'tool' },
              { title: 'effect' },
              { title: 'undone by' },
              { title: 'timeout', right: true },
              { title: 'served by' },
              { title: 'what it does' },
            ],
            tools.map((t) => [
              t.name,
              t.effect,
              t.compensation ?? '',
              `${t.timeout_ms / 1000} s`,
              t.served_by,
              t.description,
            ]),
            terminal.columns,
          ),
        );
      exit(EXIT.ok);
    });
};
