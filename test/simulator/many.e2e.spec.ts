import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, it } from '@jest/globals';

/** The same with every build, so that a build tells of its own change alone; another one looks elsewhere. */
const seed = Number(process.env['SEED'] ?? 1);
const SCHEDULES = Number(process.env['MANY_SCHEDULES'] ?? 100_000);
/** How long the build may take for them on a busy machine. */
const PATIENCE_MS = 1_500_000;

/** What a broken promise prints: its findings and a trace. */
const told = (error: unknown): string => (error as { stdout?: string }).stdout ?? String(error);

/** A few of them once more, with people who write to sessions and are asked about calls. */
const RUNS: [schedules: number, more: string[]][] = [
  [SCHEDULES, []],
  [Math.ceil(SCHEDULES / 200), ['--messages', '--approvals']],
];

it.each(RUNS)(
  `%d schedules keep every promise %j (SEED=${seed} MANY_SCHEDULES=${SCHEDULES})`,
  async (schedules, more) => {
    const options = ['verify', '--json', '--seed', String(seed), '--schedules', String(schedules), ...more];
    const { stdout } = await promisify(execFile)(process.execPath, [
      'dist/src/cli/main.js',
      ...options,
    ]).catch((error: unknown) => {
      throw new Error(told(error), { cause: error });
    });
    const summary = JSON.parse(stdout) as { schedules: number; broken: number; seconds: number };
    process.stdout.write(`${schedules} schedules in ${Math.round(summary.seconds)} s\n`);
    expect(summary).toMatchObject({ schedules, broken: 0, findings: [] });
  },
  PATIENCE_MS,
);
