import type { Auditor } from '#scheduler';
import { LABELS, METRICS } from '#telemetry';
import { type Definition, labelled } from './definition.js';

const NAMES = METRICS.audit;

/** What this process' auditor repaired, and what all of them found in the last pass. */
export const auditMetrics = (auditor: Auditor): Definition[] => [
  labelled(
    'counter',
    NAMES.repaired,
    'Wake-ups that were not as they should be',
    LABELS.fault,
    () => auditor.repaired,
  ),
  labelled(
    'gauge',
    NAMES.sessions,
    'Sessions that have not ended, as of the last pass over all',
    LABELS.status,
    () => auditor.notes.last?.sessions ?? {},
  ),
  {
    kind: 'gauge',
    name: NAMES.lastPass,
    help: 'When the last pass over all sessions came to its end',
    labels: [],
    read: () => {
      const { last } = auditor.notes;
      return last === null ? [] : [{ labels: {}, value: last.finishedAt / 1_000 }];
    },
  },
];
