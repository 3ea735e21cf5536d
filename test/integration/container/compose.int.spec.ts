import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { misspelt, readSettings, type Role, ROLES } from '../../../src/config/index.js';

interface Service {
  image: string;
  build?: string;
  command?: string[];
  environment?: Record<string, string>;
  depends_on?: Record<string, { condition: string }>;
  deploy?: { replicas?: number };
  healthcheck?: { test: string[] };
  ports?: string[];
  profiles?: string[];
  stop_grace_period?: string;
  volumes?: string[];
}
type Services = Record<string, Service>;

interface Compose {
  services: Services;
  volumes: Record<string, unknown>;
}

const read = (file: string): Compose => {
  // a variable of the shell, as where it isn't set
  const text = readFileSync(file, 'utf8').replaceAll(/\$\{[A-Z_]+:-\}/g, '""');
  return parse(text, { merge: true }) as Compose;
};

const { services, volumes } = read('docker-compose.yml');
const override = read('docker-compose.single.yml').services;
const ours = Object.entries(services).filter(([, { build }]) => build !== undefined);

/** The services that start without a profile, as compose merges the two files. */
const merged = ours.flatMap(([name, service]): Service[] => {
  const over = override[name];
  if (over?.profiles !== undefined) return [];
  return [{ ...service, environment: { ...service.environment, ...over?.environment } }];
});

/** How many processes have each role. @throws SettingsError as the start of the process would */
const roleCounts = (list: Service[]): Partial<Record<Role, number>> => {
  const counts: Partial<Record<Role, number>> = {};
  for (const { environment = {}, deploy } of list)
    for (const role of readSettings(environment).process.roles)
      counts[role] = (counts[role] ?? 0) + (deploy?.replicas ?? 1);
  return counts;
};

describe('docker-compose.yml', () => {
  it('gives each role its own processes, in its own settings', () => {
    expect(roleCounts(ours.map(([, service]) => service))).toEqual({
      api: 1,
      commander: 2,
      dispatcher: 2,
      scheduler: 1,
    });
    for (const [name, { environment = {} }] of ours)
      expect([name, misspelt(environment)]).toEqual([name, []]);
    for (const [name, { environment = {} }] of ours)
      expect(readSettings(environment).process.roles).toEqual([name]);
  });

  it('names the servers that it runs, and waits for their health', () => {
    for (const [, { environment = {}, depends_on = {} }] of ours) {
      const { servers } = readSettings(environment);
      const hosts = [...(servers?.brokers ?? []), new URL(servers?.redisUrl ?? '').host];
      expect(hosts).toEqual(['kafka:9092', 'redis:6379']);
      expect(Object.values(depends_on)).toEqual(hosts.map(() => ({ condition: 'service_healthy' })));
      for (const name of Object.keys(depends_on)) expect(services[name]?.healthcheck?.test[0]).toBe('CMD');
    }
    const { KAFKA_ADVERTISED_LISTENERS = '' } = services.kafka?.environment ?? {};
    expect(KAFKA_ADVERTISED_LISTENERS.split(',')).toContain('INSIDE://kafka:9092');
  });

  it('keeps what Kafka and Redis acknowledged', () => {
    const { command = [] } = services.redis ?? {};
    expect(command.join(' ')).toMatch(/--appendonly yes --appendfsync always .*noeviction/);
    for (const name of ['kafka', 'redis']) {
      const [volume = ''] = services[name]?.volumes?.[0]?.split(':') ?? [];
      expect(Object.keys(volumes)).toContain(volume);
    }
  });

  it('lets what runs end, and opens its ports to this machine alone', () => {
    for (const [, { environment = {}, stop_grace_period = '' }] of ours)
      expect(parseInt(stop_grace_period, 10) * 1_000).toBeGreaterThan(
        readSettings(environment).process.shutdownMs + 5_000,
      );
    const ports = Object.values(services).flatMap((service) => service.ports ?? []);
    for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:\d+:\d+$/);
    expect(services.api?.ports).toEqual(['127.0.0.1:3000:3000']);
  });
});

it('docker-compose.single.yml leaves one process with all roles', () => {
  expect(Object.keys(services)).toEqual(expect.arrayContaining(Object.keys(override)));
  expect(merged).toHaveLength(1);
  expect(Object.keys(roleCounts(merged))).toEqual([...ROLES]);
});
