import type { Command } from 'commander';
import { DormouseError } from '#contracts';
import type { RebuildProgress, RebuildReport } from '#rebuild';
import { readSettings } from '../../config/read-settings.js';
import type { Context } from '../context.js';
import { EXIT, type ExitCode } from '../exit-codes.js';

/** At most one line of progress in so many ms. */
const TELL_EVERY_MS = 1_000;

const progressLine = (progress: RebuildProgress): string =>
  progress.phase === 'reading'
    ? `reading ${progress.topic}: ${progress.records} of ${progress.of} records`
    : `writing: ${progress.sessions} sessions, part ${progress.part} of ${progress.of}`;

const reportLines = (report: RebuildReport): string[] => [
  `${report.sessions} sessions rebuilt from ${report.records} records; ${report.unfinished} of them go on`,
  `${report.unanswered} intents may have been done: they aren't run (again), but asked after or unknown`,
  `${report.deadLetters} dead letters are listed again`,
  `${report.expired} had expired, ${report.headless} have no beginning in the log any more`,
  ...(report.damaged === 0 ? [] : [`${report.damaged} are not what they were:`]),
  ...report.damages.map(({ session_id, error }) => `  ${session_id}: ${error.message}`),
];

const exitOf = (error: unknown): ExitCode =>
  DormouseError.is(error) && error.code === 'unavailable' ? EXIT.unreachable : EXIT.error;

export const addRebuild = (program: Command, contexts: Context): void => {
  program
    .command('rebuild')
    .summary('rebuild the sessions from the log, after Redis was emptied')
    .description(
      'Reads both topics to their ends and writes all sessions into an empty Redis. The settings are the server’s environment variables. Refused while the store is in use or consumers are in their groups. Cut off, run it again.',
    )
    .addHelpText(
      'after',
      '\nExit code 3: done, but some sessions have lost a payload and stand parked or have failed',
    )
    .action(async (_options: unknown, command: Command) => {
      const { terminal, json, exit } = contexts.of(command);
      let toldAt = 0;
      const tell = (progress: RebuildProgress): void => {
        const now = performance.now();
        if (json || now - toldAt < TELL_EVERY_MS) return;
        toldAt = now;
        terminal.complain(progressLine(progress));
      };
      try {
        const settings = readSettings(process.env);
        // the other commands need none of what this loads
        const { rebuildFrom } = await import('../../rebuild.js');
        const report = await rebuildFrom(settings, tell);
        terminal.print(json ? JSON.stringify(report) : reportLines(report).join('\n'));
        exit(report.damaged === 0 ? EXIT.ok : EXIT.parked);
      } catch (error) {
        terminal.complain(error instanceof Error ? error.message : String(error));
        exit(exitOf(error));
      }
    });
};
