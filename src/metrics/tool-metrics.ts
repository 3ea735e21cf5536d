import type { Executor } from '#dispatcher';
import { LABELS, METRICS } from '#telemetry';
import { type Definition, labelled, single } from './definition.js';

const NAMES = METRICS.tool;
/** Stands for all names that an intent may have made up. */
const NO_TOOL = '(unknown)';

/** What this process' dispatcher did with intents. */
export const toolMetrics = (executor: Executor): Definition[] => [
  single('gauge', NAMES.inFlight, 'Intents under way, waiting ones included', () => executor.inFlight),
  single(
    'gauge',
    NAMES.waitingForSlots,
    'Of them, those that wait for a slot of their tool',
    () => executor.waitingForSlots,
  ),
  {
    kind: 'histogram',
    name: NAMES.duration,
    help: 'How long single runs took',
    label: LABELS.tool,
    read: () => executor.figures.durations,
  },
  {
    kind: 'counter',
    name: NAMES.outcomes,
    help: 'Outcomes of intents',
    labels: [LABELS.tool, LABELS.status],
    read: () =>
      Array.from(executor.figures.outcomes(), ({ tool, status, count }) => ({
        labels: { tool: tool === '' ? NO_TOOL : tool, status },
        value: count,
      })),
  },
  single('counter', NAMES.retries, 'Runs of an intent that had run before', () => executor.counts.retries),
  labelled('counter', NAMES.skipped, 'Intents finished without a run', LABELS.reason, () => {
    const { stale, expired, external } = executor.counts;
    return { stale, expired, external };
  }),
  single(
    'counter',
    NAMES.conflicts,
    'Intents that are not what their id stands for',
    () => executor.counts.conflicts,
  ),
  single(
    'counter',
    NAMES.handedOver,
    'Records finished while their tool ran on',
    () => executor.counts.handedOver,
  ),
  single(
    'counter',
    NAMES.claimsLost,
    'Claims that were gone while their tool was under way here',
    () => executor.counts.claimsLost,
  ),
  single(
    'counter',
    NAMES.claimsTakenOver,
    'Claims taken over from a dead owner',
    () => executor.counts.takenOver,
  ),
];
