import { Worker } from 'node:worker_threads';
import { Logger } from '@nestjs/common';
import { DormouseError, type Submission } from '#contracts';
import { loadToolModules, type RegisteredTool, registeredTool, waitTool } from '#dispatcher';
import { runSchedule, type ScheduleReport, type SimulatorOptions } from '../simulator.js';
import type { PeopleOptions } from '../workload/with-people.js';
import { addReport, addSummary, emptySummary, type Summary } from './summary.js';

/** What is verified; plain data, so that it can be handed to another thread. */
export interface Verification extends PeopleOptions {
  /** of the first schedule; the others follow */
  seed: number;
  schedules: number;
  trust?: 'kept' | 'forgetful';
  /** most faults of a schedule */
  faults?: number;
  /** submitted in each schedule, instead of sessions that are drawn */
  submission?: Submission;
  /** a file or package that exports `tools`, run for real */
  toolsFrom?: string;
}

const YOUNG_MB = 96;
/** Every how many schedules somebody is told. */
const TOLD_EVERY = 100;

/** Errors: `tool_invalid` */
export const toolsOf = async (from: string): Promise<RegisteredTool[]> => {
  const { definitions } = await loadToolModules([from]);
  if (definitions.length === 0)
    throw new DormouseError(
      'tool_invalid',
      `${from}: expected it to export \`tools: [{ name, description, parameters, effect, run }]\`; a simulation makes no Nest modules or classes`,
    );
  return [
    registeredTool(waitTool, 'built in'),
    ...definitions.map(({ definition }) => registeredTool(definition, from)),
  ];
};

const optionsOf = async ({
  trust,
  faults,
  messages,
  approvals,
  submission,
  toolsFrom,
}: Verification): Promise<SimulatorOptions> => ({
  ...(trust === undefined ? {} : { trust }),
  ...(faults === undefined ? {} : { faults }),
  ...(messages === undefined ? {} : { messages }),
  ...(approvals === undefined ? {} : { approvals }),
  ...(submission === undefined ? {} : { submission }),
  ...(toolsFrom === undefined ? {} : { tools: await toolsOf(toolsFrom) }),
});

/** What the parts under test have to say of each failure isn't told, and no stack is kept: there are many, on purpose. */
const quietly = async <T>(run: () => Promise<T>): Promise<T> => {
  const { stackTraceLimit } = Error;
  Logger.overrideLogger(false);
  Error.stackTraceLimit = 0;
  try {
    return await run();
  } finally {
    Logger.overrideLogger(true);
    Error.stackTraceLimit = stackTraceLimit;
  }
};

const breathe = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Runs every `of`-th schedule from the `part`-th on, in this thread. */
export const verifyPart = (
  verification: Verification,
  part: number,
  of: number,
  told: (sofar: Summary) => void,
): Promise<void> =>
  quietly(async () => {
    const options = await optionsOf(verification);
    let summary = emptySummary();
    for (let i = part; i < verification.schedules; i += of) {
      addReport(summary, await runSchedule(verification.seed + i, options));
      if (summary.schedules < TOLD_EVERY) continue;
      told(summary);
      summary = emptySummary();
      // signals are heard, and what waits for a turn of the event loop gets it
      await breathe();
    }
    told(summary);
  });

const inWorker = (
  verification: Verification,
  part: number,
  of: number,
  told: (sofar: Summary) => void,
): Promise<void> =>
  new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./verify.worker.js', import.meta.url), {
      workerData: { verification, part, of },
      // what a schedule makes is garbage when it is over: swept seldom, it costs a tenth less
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB },
    });
    worker.on('message', told);
    worker.on('error', reject);
    worker.on('exit', () => {
      resolve();
    });
  });

/** Runs the schedules, in so many threads, and sums them up. @param progress is told now and then */
export const verify = async (
  verification: Verification,
  threads: number,
  progress: (sofar: Summary) => void = () => undefined,
): Promise<Summary> => {
  const summary = emptySummary();
  const told = (part: Summary): void => {
    addSummary(summary, part);
    progress(summary);
  };
  if (threads <= 1) await verifyPart(verification, 0, 1, told);
  else
    await Promise.all(
      Array.from({ length: threads }, (_, part) => inWorker(verification, part, threads, told)),
    );
  return summary;
};

/** One schedule again, with everything that happens in it. */
export const replay = (verification: Verification, seed: number): Promise<ScheduleReport> =>
  quietly(async () => runSchedule(seed, await optionsOf(verification), true));
