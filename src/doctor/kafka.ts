import { type Finding, risk, unknown, well, wrong } from '#contracts';
import type { DeliveryLedger } from '#state';
import { type GroupLag, SUSPECT_AFTER, type TopicDescription, type Transport } from '#transport';
import type { Settings } from '../config/index.js';
import { logFindings } from '../checks/log-check.js';
import { topicFindings } from '../checks/topic-check.js';
import { topicSpecs } from '../topics.js';

/** Between two looks at a group's positions. */
const WATCH_MS = 2_000;

/** What the brokers tell of topics and groups. Makes nothing there. */
export const kafkaFindings = async (
  transport: Transport,
  settings: Settings,
  deliveries: DeliveryLedger | undefined,
): Promise<Finding[]> => {
  const { topics, groups } = settings.log;
  const described = await transport.describe(Object.values(topics));
  const found = [well('Kafka', 'answers'), ...topicFindings(described, settings)];
  // a start would make them
  if (described.some(({ partitions }) => partitions === 0))
    return [...found, unknown('consumers', 'the topics are not there yet')];
  await transport.start(topicSpecs(settings));
  const consumers = [
    { topic: topics.observation, group: groups.commander, role: 'commander' },
    { topic: topics.intent, group: groups.dispatcher, role: 'dispatcher' },
  ];
  return [
    ...found,
    ...(await logFindings(transport, settings)),
    ...(await Promise.all(consumers.map((consumer) => consumerFinding(transport, consumer)))),
    await suspectFinding(described, deliveries),
  ];
};

interface Consumer {
  topic: string;
  group: string;
  role: string;
}

const behind = (lags: readonly GroupLag[]): number =>
  lags.reduce((sum, { end, committed }) => sum + end - committed, 0);
const position = (lags: readonly GroupLag[]): number =>
  lags.reduce((sum, { committed }) => sum + committed, 0);

const consumerFinding = async (transport: Transport, { topic, group, role }: Consumer): Promise<Finding> => {
  const check = `consumers of ${topic}`;
  const [members, before] = await Promise.all([transport.members(topic, group), transport.lag(topic, group)]);
  if (members === 0)
    return risk(check, {
      expected: `a member of ${group}`,
      came: `none, and ${behind(before)} records wait`,
      advice: `Start a process with the role ${role}.`,
    });
  if (behind(before) === 0) return well(check, `${members} in ${group}, nothing waits`);
  await new Promise((resolve) => setTimeout(resolve, WATCH_MS));
  const after = await transport.lag(topic, group);
  if (behind(after) > 0 && position(after) === position(before))
    return risk(check, {
      expected: 'progress',
      came: `${members} in ${group}, ${behind(after)} records wait and none was finished for ${WATCH_MS / 1_000} s`,
      advice: `Long tools and models take their time. If it stays so, ask /health/ready of each ${role}, and read its log.`,
    });
  return well(check, `${members} in ${group}, ${behind(after)} records wait and are worked off`);
};

/** Records that processes died over. */
const suspectFinding = async (
  topics: readonly TopicDescription[],
  deliveries: DeliveryLedger | undefined,
): Promise<Finding> => {
  const check = 'poison';
  if (deliveries === undefined) return unknown(check, 'Redis, which counts deaths, is not reached');
  const places = topics.flatMap(({ topic, partitions }) =>
    Array.from({ length: partitions }, (_, partition) => ({ topic, partition })),
  );
  const counts = (await Promise.all(places.map((place) => deliveries.counts(place)))).flat();
  const suspects = counts.filter(({ deliveries: n, convicted }) => !convicted && n >= SUSPECT_AFTER - 1);
  if (suspects.length === 0) return well(check, 'no record is suspected of ending processes');
  return wrong(check, {
    expected: 'no record that processes die over',
    came: `${suspects.length} that ${SUSPECT_AFTER} or more died over`,
    advice:
      'They are tried alone, and become dead letters (`poison`) if they kill that; look into the logs of what died.',
  });
};
