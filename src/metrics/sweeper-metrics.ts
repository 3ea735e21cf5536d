import type { Sweeper } from '#scheduler';
import { LABELS, METRICS } from '#telemetry';
import { type Definition, labelled, single } from './definition.js';

const NAMES = METRICS.sweeper;

/** What this process' sweeper found. */
export const sweeperMetrics = (sweeper: Sweeper): Definition[] => [
  single('counter', NAMES.swept, 'Wake-ups that were due', () => sweeper.stats.swept),
  labelled('counter', NAMES.published, 'Events published for them', LABELS.reason, () => {
    const { published, repaired } = sweeper.stats;
    return { lost: repaired, due: published - repaired };
  }),
  {
    kind: 'histogram',
    name: NAMES.lateness,
    help: 'How late wake-ups were when what they ask for was published',
    label: LABELS.reason,
    read: () => sweeper.lateness,
  },
];
