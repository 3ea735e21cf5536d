import type { TopicSpec } from '#transport';
import type { Settings } from './config/index.js';

/** The topics as they are made where they don't exist yet. Dead letters wait for a person: as long as the brokers say. */
export const topicSpecs = ({ log: { topics, partitions }, protocol }: Settings): TopicSpec[] => [
  { topic: topics.intent, partitions, retentionMs: protocol.retentionMs },
  { topic: topics.observation, partitions, retentionMs: protocol.retentionMs },
  { topic: topics.deadLetter, partitions },
];
