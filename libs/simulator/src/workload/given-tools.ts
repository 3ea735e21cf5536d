import { toolErrorKind } from '#contracts';
import type { RegisteredTool } from '#dispatcher';
import { beginRun, type Stage } from './acting-tools.js';

/** A tool that hasn't ended after so much real time never will, as far as a schedule is concerned. */
const PATIENCE_MS = 10_000;
/** How often a run takes longer than its timeout. */
const LATE_SHARE = 0.05;

/** What an error says of the tool's effect; another error means that it failed, having done nothing. */
const mayHaveDone = (error: unknown): boolean => toolErrorKind(error) === 'unknown_outcome';

/**
 * Tools of others as a process of a schedule runs them: their code runs for real, at one moment of virtual time, before
 * and after which some of it passes. The world stands still while a tool waits for something real.
 */
export const givenTools =
  (tools: readonly RegisteredTool[]) =>
  (stage: Stage): RegisteredTool[] =>
    tools.map((tool): RegisteredTool => {
      // a durable timer ends when it is due
      if (tool.timerMs !== undefined) return tool;
      return { ...tool, run: (parameters, context) => perform(stage, tool, parameters, context) };
    });

const perform = (
  { agenda, ledger, process, random, serverNow }: Stage,
  tool: RegisteredTool,
  ...[parameters, context]: Parameters<RegisteredTool['run']>
): Promise<unknown> => {
  const run = beginRun({ agenda, ledger, process }, tool.spec.name, parameters, context);
  const lastsMs = random.chance(LATE_SHARE) ? random.int(0, 2 * tool.spec.timeoutMs) : random.int(0, 60);
  const beginsMs = random.int(0, lastsMs);
  return new Promise((resolve, reject) => {
    const end = (tell: () => void) =>
      process.after(lastsMs - beginsMs, () => {
        run.endedAt = agenda.now;
        tell();
      });
    process.after(beginsMs, () => {
      const real = (async () => tool.run(parameters, context))();
      agenda.holdFor(real, PATIENCE_MS);
      real.then(
        (result) => {
          ledger.happened(context.intentId, serverNow());
          end(() => {
            resolve(result);
          });
        },
        (error: unknown) => {
          run.didNothing = !mayHaveDone(error);
          end(() => {
            reject(error instanceof Error ? error : new Error(String(error)));
          });
        },
      );
    });
  });
};
