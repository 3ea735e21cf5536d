import { LABELS, METRICS } from '#telemetry';
import type { EventStrategies, EventStrategyStats } from '#transport';
import type { Definition, NumberDefinition } from './definition.js';
import type { GroupLags } from './group-lags.js';

const NAMES = METRICS.consumer;
const labels = [LABELS.topic, LABELS.group];

/** The groups' lag, which any process can tell, and what this process' own consumers do. */
export const consumerMetrics = (strategies: EventStrategies, lags: GroupLags): Definition[] => {
  const ofEach = (
    kind: NumberDefinition['kind'],
    name: string,
    help: string,
    read: (stats: EventStrategyStats, ready: boolean) => number,
  ): NumberDefinition => ({
    kind,
    name,
    help,
    labels,
    read: () =>
      strategies.all.map(({ stats, ready }) => ({
        labels: { topic: stats.topic, group: stats.group },
        value: read(stats, ready),
      })),
  });
  return [
    {
      kind: 'gauge',
      name: NAMES.lag,
      help: 'Records that the group has still to finish, all partitions together',
      labels,
      read: async () => Array.from(await lags.read(), ([name, value]) => ({ labels: { ...name }, value })),
    },
    ofEach('gauge', NAMES.up, '1 while the consumer is alive and in its group', ({ dead }, ready) =>
      ready && dead === null ? 1 : 0,
    ),
    ofEach('gauge', NAMES.partitions, 'Partitions that are read here', (s) => s.partitions),
    ofEach('gauge', NAMES.paused, 'Of them, those that wait for room', (s) => s.paused),
    ofEach('gauge', NAMES.inFlight, 'Records that are worked on', (s) => s.inFlight),
    ofEach('gauge', NAMES.queued, 'Records in memory that are not begun', (s) => s.queued),
    ofEach('gauge', NAMES.waiting, 'Records that failed and wait for their next try', (s) => s.waiting),
    ofEach('counter', NAMES.finished, 'Records finished', (s) => s.finished),
    ofEach('counter', NAMES.skipped, 'Records that came again and were dropped', (s) => s.skipped),
    ofEach('counter', NAMES.redelivered, 'Records handed over again after a failure', (s) => s.retries),
    ofEach('counter', NAMES.unhandled, 'Records of a type that nobody here handles', (s) => s.unhandled),
    ofEach('counter', NAMES.deadLetters, 'Records put among the dead letters', (s) => s.deadLetters),
    ofEach('counter', NAMES.commits, 'Positions committed', (s) => s.commits),
    ofEach(
      'counter',
      NAMES.commitsFenced,
      'Commits refused: another member has the partition',
      (s) => s.fenced,
    ),
    ofEach('counter', NAMES.commitsFailed, 'Commits that failed and are made again', (s) => s.commitFailures),
    ofEach('gauge', NAMES.lastProgress, 'When a record was last finished', (s) => s.lastProgressAt / 1_000),
  ];
};
