import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { type Environment, misspelt, readServerUrl, readSettings, SettingsError } from './index.js';
import { SETTING_NAMES } from './table.js';

const faultsOf = (environment: Environment) => {
  try {
    readSettings(environment);
  } catch (error) {
    if (error instanceof SettingsError) return error.faults;
    throw error;
  }
  return [];
};

describe('the settings', () => {
  it('are all at their defaults when nothing is set', () => {
    expect(readSettings({})).toEqual({
      http: { host: '127.0.0.1', port: 3000, bodyLimitBytes: 1_048_576 },
      process: {
        roles: ['api', 'commander', 'dispatcher', 'scheduler'],
        instance: hostname().replace(/[^A-Za-z0-9._-]/g, '-'),
        shutdownMs: 30_000,
        standstillMs: 120_000,
      },
      engine: { dataDir: resolve('./.dormouse'), durability: 'process' },
      openai: { apiKey: undefined, baseUrl: undefined, model: undefined },
      tools: {
        sqlUrl: undefined,
        httpAllow: [],
        externalToolsFile: undefined,
        modules: [],
        concurrency: 4000,
        resultLimitBytes: 8_388_608,
      },
      protocol: {
        leaseMs: 30_000,
        holdMs: 60_000,
        retentionMs: 604_800_000,
        auditRestMs: 10_000,
        inlineLimitBytes: 262_144,
        deployment: 'dormouse',
        typePrefix: 'com.southwest.ai',
      },
      tracing: { endpoint: undefined },
      log: {
        topics: { intent: 'agent.intent', observation: 'agent.observation', deadLetter: 'agent.dead-letter' },
        groups: { commander: 'commander_group', dispatcher: 'dispatcher_group' },
        partitions: 16,
      },
    });
  });

  it('treat an empty variable as unset, whichever it is', () => {
    const empty = Object.fromEntries(SETTING_NAMES.map((name) => [name, '']));
    expect(readSettings(empty)).toEqual(readSettings({}));
  });

  it.each<[string, string, (s: ReturnType<typeof readSettings>) => unknown, unknown]>([
    ['PORT', '0', (s) => s.http.port, 0],
    ['DORMOUSE_BODY_LIMIT', '2 MiB', (s) => s.http.bodyLimitBytes, 2_097_152],
    ['DORMOUSE_BODY_LIMIT', '4096', (s) => s.http.bodyLimitBytes, 4096],
    ['DORMOUSE_ROLES', 'scheduler, dispatcher,commander,api', (s) => s.process.roles.length, 4],
    [
      'DORMOUSE_HTTP_ALLOW',
      'API.example.com, 127.0.0.1:8080,*.example.org,[::1]:80',
      (s) => s.tools.httpAllow,
      ['api.example.com', '127.0.0.1:8080', '*.example.org', '[::1]:80'],
    ],
    ['DORMOUSE_TOOLS', './a.mjs,some-package', (s) => s.tools.modules, ['./a.mjs', 'some-package']],
    ['DORMOUSE_DURABILITY', 'power', (s) => s.engine.durability, 'power'],
    ['DORMOUSE_EXTERNAL_TOOLS', 'tools.json', (s) => s.tools.externalToolsFile, resolve('tools.json')],
  ])('read %s=%s', (name, text, pick, value) => {
    expect(pick(readSettings({ [name]: text }))).toEqual(value);
  });

  it.each([
    ['PORT', 'abc'],
    ['PORT', '65536'],
    ['PORT', '-1'],
    ['PORT', '3000.5'],
    ['HOST', 'two words'],
    ['DORMOUSE_ROLES', 'api,chef'],
    ['DORMOUSE_ROLES', 'api,,commander'],
    ['DORMOUSE_INSTANCE', 'a/b'],
    ['KAFKA_BROKERS', 'localhost'],
    ['KAFKA_BROKERS', 'localhost:99999'],
    ['KAFKA_SSL', 'perhaps'],
    ['KAFKA_SASL_MECHANISM', 'magic'],
    ['REDIS_URL', 'http://localhost'],
    ['OPENAI_BASE_URL', 'localhost:8000'],
    ['OPENAI_MODEL', 'a b'],
    ['DORMOUSE_SQL_URL', 'mysql://x'],
    ['DORMOUSE_SQL_URL', 'sqlite:'],
    ['DORMOUSE_SQL_URL', 'postgres://u:p@h/d'],
    ['DORMOUSE_HTTP_ALLOW', 'https://api.example.com'],
    ['DORMOUSE_HTTP_ALLOW', 'api.example.com/path'],
    ['DORMOUSE_DURABILITY', 'Power'],
    ['DORMOUSE_CONCURRENCY', '0'],
    ['DORMOUSE_LEASE_MS', '30s'],
    ['DORMOUSE_HOLD_MS', 'a minute'],
    ['DORMOUSE_SHUTDOWN_MS', 'soon'],
    ['DORMOUSE_RETENTION_MS', '7d'],
    ['DORMOUSE_BODY_LIMIT', '1MB'],
    ['DORMOUSE_INLINE_LIMIT', '0'],
    ['DORMOUSE_RESULT_LIMIT', '9999999999999'],
    ['DORMOUSE_TOPIC_INTENT', 'a topic'],
    ['DORMOUSE_GROUP_COMMANDER', 'ä'],
    ['DORMOUSE_TYPE_PREFIX', '.com'],
    ['DORMOUSE_PARTITIONS', '0'],
    ['DORMOUSE_REPLICATION', 'x'],
    ['DORMOUSE_KAFKA_SESSION_MS', '1'],
    ['DORMOUSE_DEPLOYMENT', 'a b'],
    ['DORMOUSE_KEY_PREFIX', '{x}'],
    ['DORMOUSE_URL', 'localhost'],
  ])('refuse %s=%s, naming it, what was expected and what came', (name, text) => {
    const [fault, ...others] = faultsOf({ [name]: text });
    expect(others).toEqual([]);
    expect(fault).toMatchObject({ setting: name });
    expect(fault?.expected).toBeTruthy();
    expect(fault?.advice).toBeTruthy();
    const secret = ['REDIS_URL', 'DORMOUSE_SQL_URL'].includes(name);
    expect(fault?.came.includes(text)).toBe(!secret);
  });

  it('name every wrong one at once', () => {
    expect(faultsOf({ PORT: 'x', HOST: 'a b', DORMOUSE_LEASE_MS: '1' }).map((f) => f.setting)).toEqual([
      'PORT',
      'HOST',
      'DORMOUSE_LEASE_MS',
    ]);
  });

  it('never print a secret', () => {
    const message = (() => {
      try {
        readSettings({ OPENAI_API_KEY: 'sk secret', DORMOUSE_SQL_URL: 'mysql://u:secret@h/d' });
      } catch (error) {
        return (error as Error).message;
      }
      return '';
    })();
    expect(message).toContain('OPENAI_API_KEY');
    expect(message).not.toContain('secret@');
    expect(message).not.toContain('sk secret');
  });

  it.each<[string, Environment, string]>([
    ['Kafka without Redis', { KAFKA_BROKERS: 'a:9092' }, 'REDIS_URL'],
    ['Redis without Kafka', { REDIS_URL: 'redis://a' }, 'KAFKA_BROKERS'],
    ['some roles on the embedded engine', { DORMOUSE_ROLES: 'api,commander' }, 'DORMOUSE_ROLES'],
    [
      'a user without a password',
      { KAFKA_SASL_MECHANISM: 'plain', KAFKA_SASL_USERNAME: 'u' },
      'KAFKA_SASL_PASSWORD',
    ],
    [
      'one group for both',
      { DORMOUSE_GROUP_COMMANDER: 'g', DORMOUSE_GROUP_DISPATCHER: 'g' },
      'DORMOUSE_GROUP_COMMANDER and DORMOUSE_GROUP_DISPATCHER',
    ],
    [
      'two topics of one name',
      { DORMOUSE_TOPIC_INTENT: 't', DORMOUSE_TOPIC_OBSERVATION: 't' },
      'DORMOUSE_TOPIC_INTENT, DORMOUSE_TOPIC_OBSERVATION and DORMOUSE_TOPIC_DEAD_LETTER',
    ],
  ])('refuse %s', (_what, environment, setting) => {
    expect(faultsOf(environment).map((f) => f.setting)).toEqual([setting]);
  });

  it('tell that the embedded engine needs Kafka and Redis for some of the roles', () => {
    expect(faultsOf({ DORMOUSE_ROLES: 'api' })[0]?.advice).toMatch(/KAFKA_BROKERS and REDIS_URL/);
  });

  it('cannot be changed afterwards, however deep', () => {
    const settings = readSettings({});
    expect(() => Object.assign(settings.http, { port: 1 })).toThrow(TypeError);
    expect(() => Object.assign(settings.log.topics, { intent: 'x' })).toThrow(TypeError);
  });
});

describe('the server that the command line calls', () => {
  it.each<[Environment, string]>([
    [{}, 'http://127.0.0.1:3000'],
    [{ PORT: '8080', HOST: '0.0.0.0' }, 'http://127.0.0.1:8080'],
    [{ HOST: '::1' }, 'http://[::1]:3000'],
    [{ DORMOUSE_URL: 'https://agents.example.com/', PORT: '1' }, 'https://agents.example.com'],
    [{ DORMOUSE_LEASE_MS: 'not read here' }, 'http://127.0.0.1:3000'],
  ])('of %j is %s', (environment, url) => {
    expect(readServerUrl(environment)).toBe(url);
  });
});

it('a variable that looks like a misspelt setting is pointed out, a foreign one is not', () => {
  expect(misspelt({ DORMOUSE_CONCURENCY: '1', DORMOUSE_TEST_SEED: '1', PORTS: '1' })).toEqual([
    'DORMOUSE_CONCURENCY is set, but is no setting; did you mean DORMOUSE_CONCURRENCY?',
  ]);
});
