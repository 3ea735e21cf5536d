import { type Finding, risk, unknown, well, wrong } from '#contracts';
import type { TopicDescription } from '#transport';
import type { Settings } from '../config/index.js';

const spread = (topic: TopicDescription, { log, servers }: Settings): Finding => {
  const check = `topic ${topic.topic}`;
  if (topic.partitions === 0)
    return wrong(check, {
      expected: 'the topic to be there',
      came: 'no such topic',
      advice: `A start of any role makes it, with ${log.partitions} partitions${
        servers?.replication === undefined ? '' : ` and ${servers.replication} copies`
      }; or make it yourself.`,
    });
  if (topic.partitions !== log.partitions)
    return risk(check, {
      expected: `${log.partitions} partitions (DORMOUSE_PARTITIONS)`,
      came: `${topic.partitions}, which are used as they are`,
      advice: 'Set DORMOUSE_PARTITIONS to what the topic has; partitions that are added later move keys.',
    });
  return well(check, `${topic.partitions} partitions`);
};

/** How many brokers may be lost. */
const copies = ({ topic, replicas, leastReplicas }: TopicDescription): Finding => {
  const check = `copies of ${topic}`;
  if (replicas < 2)
    return risk(check, {
      expected: 'a replication factor of 3 and min.insync.replicas 2',
      came: `${replicas} copy: a broken disk or a power cut of its broker loses what was acknowledged`,
      advice:
        'Where that must not be, run three brokers and set DORMOUSE_REPLICATION=3 before the topics are made.',
    });
  if (leastReplicas === null)
    return unknown(
      check,
      `${replicas} copies; min.insync.replicas isn't told: see to it that it is 2 or more`,
    );
  if (leastReplicas < 2)
    return risk(check, {
      expected: 'min.insync.replicas of 2 or more',
      came: `${leastReplicas}: while one broker is alone, what it acknowledges is lost with it`,
      advice: "Set the topic's min.insync.replicas to 2.",
    });
  if (leastReplicas >= replicas)
    return risk(check, {
      expected: 'min.insync.replicas below the number of copies',
      came: `${leastReplicas} of ${replicas}: nothing can be written while one broker is away`,
      advice: "Lower the topic's min.insync.replicas, or add copies.",
    });
  return well(check, `${replicas} copies, ${leastReplicas} before a record is acknowledged`);
};

/** Whether the log remembers sessions for as long as the store does: what a rebuild needs. */
const keeping = ({ topic, retentionMs, compacted }: TopicDescription, { protocol }: Settings): Finding => {
  const check = `retention of ${topic}`;
  if (compacted === true)
    return wrong(check, {
      expected: 'cleanup.policy delete',
      came: 'compact: of all records of a session the last alone stays',
      advice: "Set the topic's cleanup.policy to delete.",
    });
  if (retentionMs === null) return unknown(check, "the brokers don't let us read it");
  if (retentionMs < protocol.retentionMs)
    return risk(check, {
      expected: `about DORMOUSE_RETENTION_MS (${protocol.retentionMs} ms), so that sessions can be rebuilt from the log`,
      came: `retention.ms ${retentionMs}`,
      advice: `Set the topic's retention.ms to ${protocol.retentionMs}, or lower DORMOUSE_RETENTION_MS to what sessions take.`,
    });
  return well(check, retentionMs === Infinity ? 'for ever' : `${retentionMs} ms`);
};

/** Of the topics as they are now. */
export const topicFindings = (topics: readonly TopicDescription[], settings: Settings): Finding[] =>
  topics.flatMap((topic) => {
    if (topic.partitions === 0) return [spread(topic, settings)];
    const ofOurs = topic.topic === settings.log.topics.deadLetter ? [] : [keeping(topic, settings)];
    return [spread(topic, settings), copies(topic), ...ofOurs];
  });
