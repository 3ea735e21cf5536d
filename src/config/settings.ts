import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { fault, type SettingFault } from './setting-fault.js';
import { type Role, ROLES } from './roles.js';
import { DEFAULTS, type ReadValues, SECOND_MS } from './table.js';

export interface HttpSettings {
  readonly host: string;
  readonly port: number;
  /** of a request's body, and of one line of a batch */
  readonly bodyLimitBytes: number;
}
export interface ProcessSettings {
  readonly roles: readonly Role[];
  /** as configured, without a boot id */
  readonly instance: string;
  /** how long running tools get at SIGTERM */
  readonly shutdownMs: number;
  /** without an end of any work for so long, while some waits, it isn't ready */
  readonly standstillMs: number;
}
export interface EngineSettings {
  /** absolute */
  readonly dataDir: string;
  readonly durability: 'process' | 'power';
}
/** The brokers and the Redis that processes share. */
export interface ServerSettings {
  readonly brokers: readonly string[];
  readonly ssl: boolean;
  readonly sasl:
    | {
        readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
        readonly username: string;
        readonly password: string;
      }
    | undefined;
  /** of a member of a group */
  readonly kafkaSessionMs: number;
  /** of topics that don't exist yet; undefined: the brokers' default */
  readonly replication: number | undefined;
  readonly redisUrl: string;
  readonly keyPrefix: string;
}
export interface OpenAiSettings {
  readonly apiKey: string | undefined;
  readonly baseUrl: string | undefined;
  readonly model: string | undefined;
}
export interface ToolSettings {
  readonly sqlUrl: string | undefined;
  readonly httpAllow: readonly string[];
  /** absolute */
  readonly externalToolsFile: string | undefined;
  /** ESM files or packages, as given */
  readonly modules: readonly string[];
  readonly concurrency: number;
  readonly resultLimitBytes: number;
}
export interface ProtocolSettings {
  readonly leaseMs: number;
  readonly holdMs: number;
  readonly retentionMs: number;
  /** between two passes of the audit */
  readonly auditRestMs: number;
  readonly inlineLimitBytes: number;
  readonly deployment: string;
  readonly typePrefix: string;
}
export interface TracingSettings {
  /** where spans are sent by OTLP over HTTP; undefined: nowhere */
  readonly endpoint: string | undefined;
}
export interface LogSettings {
  readonly topics: { readonly intent: string; readonly observation: string; readonly deadLetter: string };
  readonly groups: { readonly commander: string; readonly dispatcher: string };
  readonly partitions: number;
}

/** All that the environment says, in slices; each part of the program is handed its own. Frozen. */
export interface Settings {
  readonly http: HttpSettings;
  readonly process: ProcessSettings;
  readonly engine: EngineSettings;
  /** undefined: everything is in one process, on the embedded engine */
  readonly servers: ServerSettings | undefined;
  readonly openai: OpenAiSettings;
  readonly tools: ToolSettings;
  readonly protocol: ProtocolSettings;
  readonly log: LogSettings;
  readonly tracing: TracingSettings;
}
export type SettingsSlice = keyof Settings;

const LEAST_SESSION_MS = 6 * SECOND_MS;

const serversOf = (values: ReadValues): ServerSettings | undefined => {
  const { KAFKA_BROKERS: brokers, REDIS_URL: redis } = values;
  if (brokers === undefined || redis === undefined) return undefined;
  const leaseMs = values.DORMOUSE_LEASE_MS ?? DEFAULTS.DORMOUSE_LEASE_MS;
  const {
    KAFKA_SASL_MECHANISM: mechanism,
    KAFKA_SASL_USERNAME: username,
    KAFKA_SASL_PASSWORD: password,
  } = values;
  return {
    brokers,
    ssl: values.KAFKA_SSL ?? false,
    sasl:
      mechanism === undefined || username === undefined || password === undefined
        ? undefined
        : { mechanism, username, password },
    kafkaSessionMs: values.DORMOUSE_KAFKA_SESSION_MS ?? Math.max(LEAST_SESSION_MS, Math.round(leaseMs / 3)),
    replication: values.DORMOUSE_REPLICATION,
    redisUrl: redis.join(','),
    keyPrefix: values.DORMOUSE_KEY_PREFIX ?? DEFAULTS.DORMOUSE_KEY_PREFIX,
  };
};

/** Puts the values that were read, and the defaults, into their slices. */
export const settingsOf = (values: ReadValues): Settings => ({
  http: {
    host: values.HOST ?? DEFAULTS.HOST,
    port: values.PORT ?? DEFAULTS.PORT,
    bodyLimitBytes: values.DORMOUSE_BODY_LIMIT ?? DEFAULTS.DORMOUSE_BODY_LIMIT,
  },
  process: {
    roles: ROLES.filter((role) => values.DORMOUSE_ROLES?.includes(role) ?? true),
    // a host name may have letters that an event's source can't
    instance: values.DORMOUSE_INSTANCE ?? (hostname().replace(/[^A-Za-z0-9._-]/g, '-') || 'dormouse'),
    shutdownMs: values.DORMOUSE_SHUTDOWN_MS ?? DEFAULTS.DORMOUSE_SHUTDOWN_MS,
    standstillMs: values.DORMOUSE_STANDSTILL_MS ?? DEFAULTS.DORMOUSE_STANDSTILL_MS,
  },
  engine: {
    dataDir: resolve(values.DORMOUSE_DATA_DIR ?? DEFAULTS.DORMOUSE_DATA_DIR),
    durability: values.DORMOUSE_DURABILITY ?? DEFAULTS.DORMOUSE_DURABILITY,
  },
  servers: serversOf(values),
  openai: { apiKey: values.OPENAI_API_KEY, baseUrl: values.OPENAI_BASE_URL, model: values.OPENAI_MODEL },
  tools: {
    sqlUrl: values.DORMOUSE_SQL_URL,
    httpAllow: values.DORMOUSE_HTTP_ALLOW ?? [],
    externalToolsFile:
      values.DORMOUSE_EXTERNAL_TOOLS === undefined ? undefined : resolve(values.DORMOUSE_EXTERNAL_TOOLS),
    modules: values.DORMOUSE_TOOLS ?? [],
    concurrency: values.DORMOUSE_CONCURRENCY ?? DEFAULTS.DORMOUSE_CONCURRENCY,
    resultLimitBytes: values.DORMOUSE_RESULT_LIMIT ?? DEFAULTS.DORMOUSE_RESULT_LIMIT,
  },
  protocol: {
    leaseMs: values.DORMOUSE_LEASE_MS ?? DEFAULTS.DORMOUSE_LEASE_MS,
    holdMs: values.DORMOUSE_HOLD_MS ?? DEFAULTS.DORMOUSE_HOLD_MS,
    retentionMs: values.DORMOUSE_RETENTION_MS ?? DEFAULTS.DORMOUSE_RETENTION_MS,
    auditRestMs: values.DORMOUSE_AUDIT_MS ?? DEFAULTS.DORMOUSE_AUDIT_MS,
    inlineLimitBytes: values.DORMOUSE_INLINE_LIMIT ?? DEFAULTS.DORMOUSE_INLINE_LIMIT,
    deployment: values.DORMOUSE_DEPLOYMENT ?? DEFAULTS.DORMOUSE_DEPLOYMENT,
    typePrefix: values.DORMOUSE_TYPE_PREFIX ?? DEFAULTS.DORMOUSE_TYPE_PREFIX,
  },
  tracing: { endpoint: values.OTEL_EXPORTER_OTLP_ENDPOINT },
  log: {
    topics: {
      intent: values.DORMOUSE_TOPIC_INTENT ?? DEFAULTS.DORMOUSE_TOPIC_INTENT,
      observation: values.DORMOUSE_TOPIC_OBSERVATION ?? DEFAULTS.DORMOUSE_TOPIC_OBSERVATION,
      deadLetter: values.DORMOUSE_TOPIC_DEAD_LETTER ?? DEFAULTS.DORMOUSE_TOPIC_DEAD_LETTER,
    },
    groups: {
      commander: values.DORMOUSE_GROUP_COMMANDER ?? DEFAULTS.DORMOUSE_GROUP_COMMANDER,
      dispatcher: values.DORMOUSE_GROUP_DISPATCHER ?? DEFAULTS.DORMOUSE_GROUP_DISPATCHER,
    },
    partitions: values.DORMOUSE_PARTITIONS ?? DEFAULTS.DORMOUSE_PARTITIONS,
  },
});

const SASL = ['KAFKA_SASL_MECHANISM', 'KAFKA_SASL_USERNAME', 'KAFKA_SASL_PASSWORD'] as const;

/** What is wrong about the settings together, although each of them is right. */
export const faultsBetween = (values: ReadValues): SettingFault[] => {
  const faults: SettingFault[] = [];
  const kafka = values.KAFKA_BROKERS !== undefined;
  const redis = values.REDIS_URL !== undefined;
  if (kafka && !redis)
    faults.push(
      fault(
        'REDIS_URL',
        'to be set, because KAFKA_BROKERS is: a shared log needs a shared store',
        'nothing',
        'Set REDIS_URL too, or unset KAFKA_BROKERS to run on the embedded engine.',
      ),
    );
  if (redis && !kafka)
    faults.push(
      fault(
        'KAFKA_BROKERS',
        'to be set, because REDIS_URL is: a shared store needs a shared log',
        'nothing',
        'Set KAFKA_BROKERS too, or unset REDIS_URL to run on the embedded engine.',
      ),
    );
  const roles = values.DORMOUSE_ROLES;
  const missing = ROLES.filter((role) => roles !== undefined && !roles.includes(role));
  if (!kafka && !redis && missing.length > 0)
    faults.push(
      fault(
        'DORMOUSE_ROLES',
        'all roles, because the embedded engine serves one process alone',
        `${roles?.join(',') ?? ''} (without ${missing.join(', ')})`,
        'Leave it unset, or configure KAFKA_BROKERS and REDIS_URL to spread the roles over several processes.',
      ),
    );
  const given = SASL.filter((name) => values[name] !== undefined);
  if (given.length > 0)
    for (const name of SASL.filter((n) => !given.includes(n)))
      faults.push(
        fault(
          name,
          `to be set, because ${given.join(' and ')} is`,
          'nothing',
          'Set all three, or none of them.',
        ),
      );
  const names = settingsOf(values);
  const topics = Object.values(names.log.topics);
  if (new Set(topics).size < topics.length)
    faults.push(
      fault(
        'DORMOUSE_TOPIC_INTENT, DORMOUSE_TOPIC_OBSERVATION and DORMOUSE_TOPIC_DEAD_LETTER',
        'three different names',
        topics.join(', '),
        'Name each topic differently.',
      ),
    );
  if (names.log.groups.commander === names.log.groups.dispatcher)
    faults.push(
      fault(
        'DORMOUSE_GROUP_COMMANDER and DORMOUSE_GROUP_DISPATCHER',
        'two different names',
        names.log.groups.commander,
        'Name each group differently.',
      ),
    );
  return faults;
};
