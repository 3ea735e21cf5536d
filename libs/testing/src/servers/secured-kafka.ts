import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../runtime-process.js';
import { type KafkaServer, startKafkaServer } from './kafka.js';
import { kafkaJava } from './kafka-jars.js';
import { runToEnd } from './on-path.js';

const STORE_PASSWORD = 'for-tests';
const KEY = ['-keyalg', 'EC', '-groupname', 'secp256r1', '-validity', '2', '-dname', 'CN=localhost'];
const NAMES = ['-ext', 'SAN=IP:127.0.0.1,DNS:localhost', '-ext', 'BC:critical=ca:true'];
const SCRAM = ['SCRAM-SHA-256', 'SCRAM-SHA-512'] as const;

/** A broker that also listens with TLS and SASL, and lets nobody do anything there who has no right to. */
export interface SecuredKafka extends Pick<KafkaServer, 'stop'> {
  /** without TLS and SASL; who comes here may do everything */
  readonly plainBrokers: string;
  /** TLS, and SASL by PLAIN, SCRAM-SHA-256 and SCRAM-SHA-512 */
  readonly brokers: string;
  /** of the authority that signed its certificate, PEM */
  readonly caFile: string;
  readonly ca: string;
}

/** A certificate that signed itself, for this machine's address. */
const makeKeys = (folder: string): { store: string; caFile: string } => {
  const keytool = join(kafkaJava().java, '..', 'keytool');
  const [store, caFile] = [join(folder, 'keys.p12'), join(folder, 'ca.pem')];
  const access = [
    '-keystore',
    store,
    '-storetype',
    'PKCS12',
    '-storepass',
    STORE_PASSWORD,
    '-alias',
    'broker',
  ];
  runToEnd(keytool, ['-genkeypair', ...access, ...KEY, ...NAMES]);
  runToEnd(keytool, ['-exportcert', '-rfc', '-file', caFile, ...access]);
  return { store, caFile };
};

const settingsOf = (store: string, users: Readonly<Record<string, string>>): Record<string, string> => {
  const own = 'listener.name.secured';
  const passwords = Object.entries(users).map(([name, password]) => `user_${name}="${password}"`);
  return {
    [`${own}.ssl.keystore.location`]: store,
    [`${own}.ssl.keystore.type`]: 'PKCS12',
    [`${own}.ssl.keystore.password`]: STORE_PASSWORD,
    [`${own}.sasl.enabled.mechanisms`]: ['PLAIN', ...SCRAM].join(','),
    [`${own}.plain.sasl.jaas.config`]: `org.apache.kafka.common.security.plain.PlainLoginModule required ${passwords.join(' ')};`,
    ...Object.fromEntries(
      SCRAM.map((mechanism) => [
        `${own}.${mechanism.toLowerCase()}.sasl.jaas.config`,
        'org.apache.kafka.common.security.scram.ScramLoginModule required;',
      ]),
    ),
    'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
    'super.users': 'User:ANONYMOUS',
  };
};

/** @param users their passwords. @throws Error which says what to install */
export const startSecuredKafka = async (users: Readonly<Record<string, string>>): Promise<SecuredKafka> => {
  const folder = mkdtempSync(join(tmpdir(), 'dormouse-keys-'));
  try {
    const { store, caFile } = makeKeys(folder);
    const port = await freePort();
    const scram = SCRAM.flatMap((mechanism) =>
      Object.entries(users).flatMap(([name, password]) => [
        '--add-scram',
        `${mechanism}=[name=${name},password=${password}]`,
      ]),
    );
    const server = await startKafkaServer({
      secured: { port, settings: settingsOf(store, users), format: scram },
    });
    return {
      plainBrokers: server.brokers,
      brokers: `127.0.0.1:${port}`,
      caFile,
      ca: readFileSync(caFile, 'utf8'),
      stop: async () => {
        await server.stop();
        rmSync(folder, { recursive: true, force: true });
      },
    };
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
};
