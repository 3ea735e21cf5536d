import { availableParallelism } from 'node:os';
import type { Command } from 'commander';
import type { Summary, Verification } from '#simulator';
import type { Context } from '../context.js';
import { EXIT } from '../exit-codes.js';
import type { Terminal } from '../view/terminal.js';
import { readSubmission, UsageError } from './submission-file.js';

interface VerifyOptions {
  seed?: string;
  schedules: string;
  plan?: string;
  tools?: string;
  faults?: string;
  forgetful?: boolean;
  messages?: boolean;
  approvals?: boolean;
  threads?: string;
}

const MOST_SEED = 2 ** 31;
const DEFAULT_SCHEDULES = 1_000;
const LINES_OF_A_TRACE = 400;

const wholeNumber = (option: string, text: string, least: number): number => {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < least)
    throw new UsageError(`--${option}: expected a whole number from ${least} on; came ${text}.`);
  return value;
};

const verificationOf = async (options: VerifyOptions): Promise<Verification> => {
  const { seed, schedules, plan, tools, faults, forgetful, messages, approvals } = options;
  if (tools !== undefined && plan === undefined)
    throw new UsageError(
      '--tools: expected --plan FILE beside it, which says what to do with them; came none.',
    );
  return {
    seed: seed === undefined ? Date.now() % MOST_SEED : wholeNumber('seed', seed, 0),
    schedules: wholeNumber('schedules', schedules, 1),
    ...(faults === undefined ? {} : { faults: wholeNumber('faults', faults, 0) }),
    ...(forgetful === true ? { trust: 'forgetful' } : {}),
    ...(messages === true ? { messages } : {}),
    ...(approvals === true ? { approvals } : {}),
    ...(plan === undefined ? {} : { submission: await readSubmission(plan) }),
    ...(tools === undefined ? {} : { toolsFrom: tools }),
  };
};

const counted = (counts: Readonly<Record<string, number>>): string =>
  Object.entries(counts)
    .sort(([, a], [, b]) => b - a)
    .map(([name, count]) => `${name} ${count}`)
    .join(', ') || 'none';

const tell = (terminal: Terminal, summary: Summary, seconds: number): void => {
  const { schedules, sessions, faults, calls, toolRuns } = summary;
  const all = Object.values(sessions).reduce((sum, count) => sum + count, 0);
  terminal.print(`${all} sessions: ${counted(sessions)}`);
  terminal.print(`${toolRuns} runs of tools, ${calls} calls of processes to servers`);
  terminal.print(`faults: ${counted(faults)}`);
  terminal.print(
    `${schedules} schedules in ${seconds.toFixed(1)} s, ${Math.round(schedules / seconds)} a second`,
  );
};

export const addVerify = (program: Command, context: Context): void => {
  program
    .command('verify')
    .summary('run sessions through faults in a simulation')
    .description(
      'Runs the real parts over simulated servers in virtual time, with faults drawn from a seed, and checks every promise afterwards.\nNeeds no server, and touches nothing but what --tools does.',
    )
    .option('--seed <n>', 'of the first schedule; the others follow (default: another each time)')
    .option('--schedules <m>', 'how many', String(DEFAULT_SCHEDULES))
    .option('--plan <file>', 'a plan, or the body of POST /v1/sessions, instead of sessions that are drawn')
    .option('--tools <file>', 'a file or package as in DORMOUSE_TOOLS; its tools are run for real')
    .option('--faults <n>', 'most faults of one schedule (default 6)')
    .option('--forgetful', 'let stores come back without their last writes; checks what holds then')
    .option('--messages', 'sessions of models that ask, and people who write to them')
    .option('--approvals', 'let people be asked about many of the calls')
    .option('--threads <n>', 'default: one for each core')
    .action(async (options: VerifyOptions, command: Command) => {
      const { terminal, json, exit } = context.of(command);
      const verification = await verificationOf(options);
      // what it takes is loaded for this command alone
      const { replay, verify } = await import('#simulator');
      const { threads } = options;
      const wanted = threads === undefined ? availableParallelism() : wholeNumber('threads', threads, 1);
      const { seed, schedules } = verification;
      if (!json) terminal.print(`seed ${seed}, ${schedules} schedules`);
      const begun = performance.now();
      const summary = await verify(verification, Math.min(wanted, schedules), (sofar) => {
        if (terminal.live)
          terminal.draw(`\r${sofar.schedules} schedules, ${sofar.broken} with a broken promise `);
      });
      const seconds = (performance.now() - begun) / 1000;
      if (terminal.live) terminal.draw('\r\u001B[K');
      const { broken, findings } = summary;
      if (json) terminal.print(JSON.stringify({ seed, ...summary, seconds }));
      else {
        tell(terminal, summary, seconds);
        for (const { seed: at, findings: found } of findings)
          for (const { promise, what } of found) terminal.print(`seed ${at}: ${promise}: ${what}`);
        const [first] = findings;
        if (first === undefined) terminal.print('every promise was kept');
        else {
          const { trace = '' } = await replay(verification, first.seed);
          terminal.print(`\nWhat happened with seed ${first.seed} (seconds, who, what):`);
          for (const line of trace.split('\n').slice(0, LINES_OF_A_TRACE)) terminal.print(line);
          terminal.print(
            `\n${broken} schedules broke a promise. --seed ${first.seed} --schedules 1 repeats the first.`,
          );
        }
      }
      exit(broken > 0 ? EXIT.broken : EXIT.ok);
    });
};
