import { DEFAULT_GROUPS, DEFAULT_TOPICS, DEFAULT_TYPE_PREFIX } from '#contracts';
import { ROLES } from './roles.js';
import {
  allowedHost,
  bytes,
  hostAndPort,
  list,
  matching,
  oneOf,
  type Setting,
  text,
  url,
  wholeNumber,
  yesOrNo,
} from './setting.js';

export const SECOND_MS = 1_000;
export const DAY_MS = 24 * 60 * 60 * SECOND_MS;
export const KIB = 1024;
export const MIB = 1024 * KIB;

const MAX_BYTES = 1024 * MIB;

/** What stands in for a variable that is unset or empty. The rest have no default, or one that depends on others. */
export const DEFAULTS = {
  PORT: 3000,
  HOST: '127.0.0.1',
  DORMOUSE_DATA_DIR: './.dormouse',
  DORMOUSE_DURABILITY: 'process',
  DORMOUSE_CONCURRENCY: 4000,
  DORMOUSE_LEASE_MS: 30 * SECOND_MS,
  DORMOUSE_HOLD_MS: 60 * SECOND_MS,
  DORMOUSE_SHUTDOWN_MS: 30 * SECOND_MS,
  DORMOUSE_STANDSTILL_MS: 120 * SECOND_MS,
  DORMOUSE_RETENTION_MS: 7 * DAY_MS,
  DORMOUSE_AUDIT_MS: 10 * SECOND_MS,
  DORMOUSE_BODY_LIMIT: MIB,
  DORMOUSE_INLINE_LIMIT: 256 * KIB,
  DORMOUSE_RESULT_LIMIT: 8 * MIB,
  DORMOUSE_TOPIC_INTENT: DEFAULT_TOPICS.intent,
  DORMOUSE_TOPIC_OBSERVATION: DEFAULT_TOPICS.observation,
  DORMOUSE_TOPIC_DEAD_LETTER: DEFAULT_TOPICS.deadLetter,
  DORMOUSE_GROUP_COMMANDER: DEFAULT_GROUPS.commander,
  DORMOUSE_GROUP_DISPATCHER: DEFAULT_GROUPS.dispatcher,
  DORMOUSE_TYPE_PREFIX: DEFAULT_TYPE_PREFIX,
  DORMOUSE_PARTITIONS: 16,
  DORMOUSE_DEPLOYMENT: 'dormouse',
  DORMOUSE_KEY_PREFIX: '',
} as const;

/** https://kafka.apache.org/documentation/ : legal topic names; group ids are held to the same letters. */
const topicName = matching(
  /^(?!\.{1,2}$)[A-Za-z0-9._-]{1,249}$/,
  'a name of 1 to 249 letters, digits, dots, _ or -',
);
const lowName = matching(/^[A-Za-z0-9._-]{1,64}$/, 'a name of 1 to 64 letters, digits, dots, _ or -');
const printable = matching(/^[\x21-\x7E]{1,253}$/, 'printable characters without spaces');
const dottedName = matching(
  /^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/,
  'names joined by dots, such as com.example.ai',
);

const leaveUnset = (fallback: string | number): string => `Leave it unset for ${fallback}.`;
const setting = <T>(read: Setting<T>['read'], advice: string): Setting<T> => ({ read, advice });
const secret = <T>(read: Setting<T>['read'], advice: string): Setting<T> => ({ read, advice, secret: true });

/** Every variable that Dormouse reads, how, and what to do when it is wrong. */
export const TABLE = {
  PORT: setting(wholeNumber(0, 65_535), `Set it to a free port (0: any). ${leaveUnset(DEFAULTS.PORT)}`),
  HOST: setting(printable, `Set it to an address of this machine. ${leaveUnset(DEFAULTS.HOST)}`),
  DORMOUSE_ROLES: setting(
    list(oneOf(...ROLES)),
    `Name the roles of this process, e.g. DORMOUSE_ROLES=api,commander. Leave it unset for all.`,
  ),
  DORMOUSE_INSTANCE: setting(
    matching(/^[A-Za-z0-9._-]{1,128}$/, '1 to 128 letters, digits, dots, _ or -'),
    'It names this process in events. Leave it unset for the host name.',
  ),
  KAFKA_BROKERS: setting(
    list(hostAndPort),
    'List the brokers, e.g. KAFKA_BROKERS=a:9092,b:9092. Leave it and REDIS_URL unset for the embedded engine.',
  ),
  KAFKA_SSL: setting(yesOrNo, 'It tells whether to speak TLS with the brokers.'),
  KAFKA_SASL_MECHANISM: setting(
    oneOf('plain', 'scram-sha-256', 'scram-sha-512'),
    'Set it together with KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD, or leave all three unset.',
  ),
  KAFKA_SASL_USERNAME: setting(text, 'Set it together with KAFKA_SASL_MECHANISM and KAFKA_SASL_PASSWORD.'),
  KAFKA_SASL_PASSWORD: secret(text, 'Set it together with KAFKA_SASL_MECHANISM and KAFKA_SASL_USERNAME.'),
  REDIS_URL: secret(
    list(url('redis', 'rediss')),
    'Set it to redis://host:6379, or several of them, comma separated, for Cluster. Leave it and KAFKA_BROKERS unset for the embedded engine.',
  ),
  DORMOUSE_DATA_DIR: setting(
    matching(/^[^\0]+$/, 'a path'),
    `Set it to a folder on a local disk. ${leaveUnset(DEFAULTS.DORMOUSE_DATA_DIR)}`,
  ),
  OPENAI_API_KEY: secret(printable, 'Set it to the key of the LLM server, without spaces or line ends.'),
  OPENAI_BASE_URL: setting(
    url('http', 'https'),
    'Set it to where the API begins, e.g. http://127.0.0.1:8000/v1.',
  ),
  OPENAI_MODEL: setting(printable, 'Set it to the name of a model that the server has.'),
  DORMOUSE_SQL_URL: secret(
    matching(/^sqlite:.+$/, 'sqlite:PATH'),
    'It is the SQLite file that sql_query reads; other databases are not served. Leave it unset to have no sql_query.',
  ),
  DORMOUSE_HTTP_ALLOW: setting(
    list(allowedHost),
    'List the hosts that http_request may call, e.g. api.example.com,127.0.0.1:8080. Leave it unset for none.',
  ),
  DORMOUSE_DURABILITY: setting(
    oneOf('process', 'power'),
    `process: an acknowledged write survives kill -9; power: also a power cut. ${leaveUnset(DEFAULTS.DORMOUSE_DURABILITY)}`,
  ),
  DORMOUSE_EXTERNAL_TOOLS: setting(
    matching(/^[^\0]+$/, 'the path of a JSON file'),
    'Set it to the file that declares the tools which other programs serve.',
  ),
  DORMOUSE_TOOLS: setting(list(text), 'List ESM files (./tools.mjs) or packages, comma separated.'),
  DORMOUSE_CONCURRENCY: setting(
    wholeNumber(1, 1_000_000, 'tools'),
    `It bounds the tools in flight in this process. ${leaveUnset(DEFAULTS.DORMOUSE_CONCURRENCY)}`,
  ),
  DORMOUSE_LEASE_MS: setting(
    wholeNumber(300, DAY_MS, 'milliseconds'),
    `A crashed dispatcher's tools are taken over after so long. ${leaveUnset(DEFAULTS.DORMOUSE_LEASE_MS)}`,
  ),
  DORMOUSE_HOLD_MS: setting(
    wholeNumber(1, DAY_MS, 'milliseconds'),
    `A run that lasts longer is carried on by its claim, and its record is finished. ${leaveUnset(DEFAULTS.DORMOUSE_HOLD_MS)}`,
  ),
  DORMOUSE_SHUTDOWN_MS: setting(
    wholeNumber(0, DAY_MS, 'milliseconds'),
    `Running tools get so long to end at SIGTERM. ${leaveUnset(DEFAULTS.DORMOUSE_SHUTDOWN_MS)}`,
  ),
  DORMOUSE_STANDSTILL_MS: setting(
    wholeNumber(SECOND_MS, DAY_MS, 'milliseconds'),
    `While records wait and none is finished for so long, /health/ready is false. ${leaveUnset(DEFAULTS.DORMOUSE_STANDSTILL_MS)}`,
  ),
  DORMOUSE_RETENTION_MS: setting(
    wholeNumber(SECOND_MS, 3_650 * DAY_MS, 'milliseconds'),
    `Ended sessions are kept for so long. ${leaveUnset(DEFAULTS.DORMOUSE_RETENTION_MS)}`,
  ),
  DORMOUSE_AUDIT_MS: setting(
    wholeNumber(100, DAY_MS, 'milliseconds'),
    `Between two passes over all sessions a scheduler rests for so long. ${leaveUnset(DEFAULTS.DORMOUSE_AUDIT_MS)}`,
  ),
  DORMOUSE_BODY_LIMIT: setting(
    bytes(KIB, MAX_BYTES),
    `A larger request body is refused. ${leaveUnset(DEFAULTS.DORMOUSE_BODY_LIMIT)}`,
  ),
  DORMOUSE_INLINE_LIMIT: setting(
    bytes(KIB, MAX_BYTES),
    `A larger payload travels outside its event. ${leaveUnset(DEFAULTS.DORMOUSE_INLINE_LIMIT)}`,
  ),
  DORMOUSE_RESULT_LIMIT: setting(
    bytes(KIB, MAX_BYTES),
    `A larger tool result is refused. ${leaveUnset(DEFAULTS.DORMOUSE_RESULT_LIMIT)}`,
  ),
  DORMOUSE_TOPIC_INTENT: setting(topicName, leaveUnset(DEFAULTS.DORMOUSE_TOPIC_INTENT)),
  DORMOUSE_TOPIC_OBSERVATION: setting(topicName, leaveUnset(DEFAULTS.DORMOUSE_TOPIC_OBSERVATION)),
  DORMOUSE_TOPIC_DEAD_LETTER: setting(topicName, leaveUnset(DEFAULTS.DORMOUSE_TOPIC_DEAD_LETTER)),
  DORMOUSE_GROUP_COMMANDER: setting(topicName, leaveUnset(DEFAULTS.DORMOUSE_GROUP_COMMANDER)),
  DORMOUSE_GROUP_DISPATCHER: setting(topicName, leaveUnset(DEFAULTS.DORMOUSE_GROUP_DISPATCHER)),
  DORMOUSE_TYPE_PREFIX: setting(dottedName, leaveUnset(DEFAULTS.DORMOUSE_TYPE_PREFIX)),
  DORMOUSE_PARTITIONS: setting(
    wholeNumber(1, 10_000, 'partitions'),
    `It is for topics that don't exist yet. ${leaveUnset(DEFAULTS.DORMOUSE_PARTITIONS)}`,
  ),
  DORMOUSE_REPLICATION: setting(
    wholeNumber(1, 100, 'copies'),
    `It is for topics that don't exist yet. Leave it unset for the broker's own.`,
  ),
  DORMOUSE_KAFKA_SESSION_MS: setting(
    wholeNumber(SECOND_MS, DAY_MS, 'milliseconds'),
    'Leave it unset for a third of the lease, and at least 6000.',
  ),
  DORMOUSE_DEPLOYMENT: setting(
    lowName,
    `It tells our events from those of others. ${leaveUnset(DEFAULTS.DORMOUSE_DEPLOYMENT)}`,
  ),
  DORMOUSE_KEY_PREFIX: setting(
    matching(/^[^\s{}]{1,64}$/, '1 to 64 characters without spaces and braces'),
    'It begins every key in Redis. Leave it unset for none.',
  ),
  OTEL_EXPORTER_OTLP_ENDPOINT: setting(
    url('http', 'https'),
    'Set it to where a collector takes OTLP over HTTP, e.g. http://127.0.0.1:4318. Leave it unset for no tracing.',
  ),
  DORMOUSE_URL: setting(
    url('http', 'https'),
    'The command line calls it. Leave it unset for http://HOST:PORT.',
  ),
} as const satisfies Record<string, Setting<unknown>>;

export type SettingName = keyof typeof TABLE;
export const SETTING_NAMES = Object.keys(TABLE) as SettingName[];

/** What a variable is read as, or undefined when it is unset. */
export type ReadValues = {
  [K in SettingName]?: (typeof TABLE)[K] extends Setting<infer T> ? T : never;
};
