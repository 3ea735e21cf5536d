import type { Command } from 'commander';
import type { DeadLetterView, RedriveManyRequest } from '#contracts';
import type { Context } from '../context.js';
import { EXIT } from '../exit-codes.js';
import { userName } from '../user-name.js';
import { table } from '../view/table.js';
import { utcTime } from '../view/utc-time.js';
import { UsageError } from './submission-file.js';

interface Filter {
  reason?: string;
  topic?: string;
  session?: string;
}

interface ListOptions extends Filter {
  waiting?: boolean;
  limit: string;
  cursor?: string;
}

interface RedriveOptions extends Filter {
  by?: string;
  why?: string;
}

const redrivenText = ({ redriven }: DeadLetterView): string => {
  const last = redriven.at(-1);
  return last === undefined ? '' : `${utcTime(last.at)} by ${last.by}`;
};

const withFilter = (command: Command): Command =>
  command
    .option('--reason <reason>', 'only those with this reason')
    .option('--topic <topic>', 'only those from this topic')
    .option('--session <id>', 'only those of this session');

const addList = (group: Command, context: Context): void => {
  withFilter(group.command('list'))
    .summary('list dead letters, newest first')
    .option('--waiting', 'only those that were not redriven yet')
    .option('--limit <n>', 'at most so many', '20')
    .option('--cursor <cursor>', 'go on where the list before ended')
    .action(async (options: ListOptions, command: Command) => {
      const { client, terminal, json, exit } = context.of(command);
      const query = new URLSearchParams({ limit: options.limit });
      if (options.reason !== undefined) query.set('reason', options.reason);
      if (options.topic !== undefined) query.set('topic', options.topic);
      if (options.session !== undefined) query.set('session_id', options.session);
      if (options.waiting === true) query.set('redriven', 'false');
      if (options.cursor !== undefined) query.set('cursor', options.cursor);
      const page = await client.deadLetters(query);
      if (json) terminal.print(JSON.stringify(page));
      else if (page.dead_letters.length === 0) terminal.print('No dead letters.');
      else
        terminal.print(
          table(
            [
              { title: 'dead letter' },
              { title: 'at (UTC)' },
              { title: 'reason' },
              { title: 'session' },
              { title: 'redriven' },
              { title: 'why' },
            ],
            page.dead_letters.map((letter) => [
              letter.id,
              utcTime(letter.at),
              letter.reason,
              letter.session_id ?? '',
              redrivenText(letter),
              letter.error,
            ]),
            terminal.columns,
          ),
        );
      if (!json && page.next_cursor !== null)
        terminal.print(`\nmore: dormouse dead-letters list --cursor ${page.next_cursor}`);
      exit(EXIT.ok);
    });
};

const addShow = (group: Command, context: Context): void => {
  group
    .command('show')
    .summary('look at a dead letter, with its record as it was')
    .argument('<id>', 'dead letter')
    .action(async (id: string, _options: unknown, command: Command) => {
      const { client, terminal, json, exit } = context.of(command);
      const letter = await client.deadLetter(id);
      terminal.print(json ? JSON.stringify(letter) : JSON.stringify(letter, null, 2));
      exit(EXIT.ok);
    });
};

const addRedrive = (group: Command, context: Context): void => {
  withFilter(group.command('redrive'))
    .summary('publish dead letters again: one by its id, or all that match and were not redriven yet')
    .argument('[id]', 'dead letter')
    .option('--by <name>', 'who does it (default: your user name)')
    .option('--why <text>', 'kept with it')
    .action(async (id: string | undefined, options: RedriveOptions, command: Command) => {
      const { client, terminal, json, exit } = context.of(command);
      const who = {
        by: options.by ?? userName() ?? 'unnamed',
        ...(options.why === undefined ? {} : { reason: options.why }),
      };
      const filter: RedriveManyRequest['filter'] = {
        ...(options.reason === undefined ? {} : { reason: options.reason }),
        ...(options.topic === undefined ? {} : { topic: options.topic }),
        ...(options.session === undefined ? {} : { session_id: options.session }),
      };
      const filters = Object.keys(filter).length;
      if (id === undefined ? filters === 0 : filters > 0)
        throw new UsageError('Expected the id of a dead letter, or --reason, --topic or --session.');
      if (id !== undefined) {
        const letter = await client.redrive(id, who);
        terminal.print(json ? JSON.stringify(letter) : `${letter.id}  published again to ${letter.topic}`);
      } else {
        const redriven: string[] = [];
        for (let more = true; more;) {
          const answer = await client.redriveAll({ filter, ...who });
          redriven.push(...answer.redriven);
          more = answer.more && answer.redriven.length > 0;
        }
        if (json) terminal.print(JSON.stringify({ redriven }));
        else {
          for (const each of redriven) terminal.print(each);
          terminal.print(`${redriven.length} published again`);
        }
      }
      exit(EXIT.ok);
    });
};

/** `dormouse dead-letters list | show | redrive` */
export const addDeadLetters = (program: Command, context: Context): void => {
  const group = program.command('dead-letters').summary('records that nobody could process');
  addList(group, context);
  addShow(group, context);
  addRedrive(group, context);
};
