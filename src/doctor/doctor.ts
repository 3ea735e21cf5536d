import { Logger } from '@nestjs/common';
import { DEFAULT_TENANT, type Finding, isFault, risk, unknown, wrong } from '#contracts';
import { type Environment, misspelt, readSettings, type Settings } from '../config/index.js';
import { SettingsError } from '../config/setting-fault.js';
import type { ServerSettings } from '../config/settings.js';
import { openKafka, openRedis, type RedisStores } from '../storage.js';
import { lookAtEmbedded } from './embedded.js';
import { kafkaFindings } from './kafka.js';
import { looked, type Unreached } from './look.js';
import { redisFindings } from './redis.js';
import { lookAtServer } from './server.js';

/** All that was looked at, in the order of what rests on what. */
export interface Diagnosis {
  /** the worst of the findings; what couldn't be looked at makes none worse */
  state: 'well' | 'risk' | 'wrong' | 'unreachable' | 'settings';
  findings: Finding[];
}

export interface DoctorQuery {
  environment: Environment;
  /** where a running server may answer; asked when the settings could be read */
  url: () => string;
  tenant?: string | undefined;
}

/**
 * Looks at settings, servers, topics, durability, clocks, processes, wake-ups and what waits for a person. Changes and
 * makes nothing. What can't be looked at is among the findings.
 */
export const diagnose = async ({ environment, url, tenant }: DoctorQuery): Promise<Diagnosis> => {
  // what drivers would say in the log is among the findings
  Logger.overrideLogger(false);
  let settings: Settings;
  try {
    settings = readSettings(environment);
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    const findings = error.faults.map(({ setting, ...facts }) => wrong(setting, facts));
    return {
      state: 'settings',
      findings: [...findings, unknown('everything else', 'it needs settings that can be read')],
    };
  }
  const { servers } = settings;
  const own = misspelt(environment).map((came) =>
    risk('settings', { expected: 'names that mean something', came, advice: 'Correct or remove it.' }),
  );
  const found: (Finding & Unreached)[] = [
    ...own,
    ...(servers === undefined
      ? await ofEmbedded(settings, url(), tenant)
      : await ofServers(settings, servers, url(), tenant)),
  ];
  return { state: worst(found), findings: found.map(({ unreachable: _told, ...finding }) => finding) };
};

const worst = (findings: readonly (Finding & Unreached)[]): Diagnosis['state'] => {
  if (findings.some(({ unreachable }) => unreachable === true)) return 'unreachable';
  if (findings.some(({ state }) => state === 'wrong')) return 'wrong';
  return findings.some(isFault) ? 'risk' : 'well';
};

const ofEmbedded = async (
  settings: Settings,
  url: string,
  tenant: string | undefined,
): Promise<(Finding & Unreached)[]> => {
  const { findings, runs } = await lookAtEmbedded(settings);
  return [...findings, ...(await lookAtServer({ url, tenant, alone: true, expected: runs }))];
};

const ofServers = async (
  settings: Settings,
  servers: ServerSettings,
  url: string,
  tenant: string | undefined,
): Promise<(Finding & Unreached)[]> => {
  const redisPlace = 'Is it running, and is REDIS_URL where it is?';
  const opened: { stores?: RedisStores } = {};
  const redis = await looked('Redis', redisPlace, async () => {
    opened.stores = await openRedis(servers, settings.protocol);
    return redisFindings(opened.stores, settings, tenant ?? DEFAULT_TENANT);
  });
  const kafka = await looked('Kafka', 'Is it running, and is KAFKA_BROKERS where it is?', () =>
    withTransport(settings, servers, (transport) =>
      kafkaFindings(transport, settings, opened.stores?.deliveries),
    ),
  );
  await opened.stores?.close();
  return [...redis, ...kafka, ...(await lookAtServer({ url, tenant, alone: false, expected: false }))];
};

const withTransport = async <T>(
  settings: Settings,
  servers: ServerSettings,
  look: (transport: Awaited<ReturnType<typeof openKafka>>) => Promise<T>,
): Promise<T> => {
  const transport = await openKafka(servers, settings, () => undefined);
  try {
    return await look(transport);
  } finally {
    await transport.close();
  }
};
