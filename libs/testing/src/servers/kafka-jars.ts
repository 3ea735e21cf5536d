import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { cached, cacheFolder } from './cache-folder.js';
import { onPath, runToEnd } from './on-path.js';

export const KAFKA_VERSION = '4.1.1';
const COPY_PLUGIN = 'org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies';
const OLDEST_JAVA = 17;
const HOW =
  'No Kafka to test with. Do one of: set KAFKA_BROKERS; start a Docker engine; ' +
  `install Java ${OLDEST_JAVA} or later and Maven (Debian: apt-get install openjdk-17-jre-headless maven)`;

/** Maven finds all that `kafka.Kafka` needs to run; slf4j-simple prints its log. */
const POM = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>dormouse</groupId><artifactId>kafka</artifactId><version>1</version>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>${KAFKA_VERSION}</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version></dependency>
  </dependencies>
</project>
`;

/** How a class of Kafka's is run here. */
export interface KafkaJava {
  java: string;
  classPath: readonly string[];
  /** where the archive of loaded classes lies, or is to lie: with it a broker starts in a third of the time */
  archive: string;
}

/** The Java on the path and its major version. @throws Error which says what to install */
const findJava = (): { java: string; major: number } => {
  const java = onPath('java');
  const major = java && /version "(\d+)/.exec(runToEnd(java, ['-version']))?.[1];
  if (java === undefined || major === undefined) throw new Error(HOW);
  if (Number(major) < OLDEST_JAVA) throw new Error(`${HOW}. The Java on the path is of version ${major}`);
  return { java, major: Number(major) };
};

const fetchJars = (jars: string): void => {
  const maven = onPath('mvn');
  if (maven === undefined) throw new Error(HOW);
  const pom = join(dirname(jars), 'pom.xml');
  try {
    writeFileSync(pom, POM);
    runToEnd(maven, [
      '-q',
      '-B',
      '-f',
      pom,
      COPY_PLUGIN,
      '-DincludeScope=runtime',
      `-DoutputDirectory=${jars}`,
    ]);
  } catch (error) {
    throw new Error(`${HOW}. Fetching Kafka ${KAFKA_VERSION} with Maven failed: ${String(error)}`, {
      cause: error,
    });
  }
};

/**
 * Kafka's jars in the cache folder, fetched by Maven the first time.
 * @throws Error which says what to install
 */
export const kafkaJava = (): KafkaJava => {
  const { java, major } = findJava();
  const jars = cached(`kafka-${KAFKA_VERSION}`, fetchJars);
  return {
    java,
    // Java takes `*` as all jars of the folder
    classPath: ['-cp', join(jars, '*')],
    archive: join(cacheFolder(), `kafka-${KAFKA_VERSION}-java-${major}.jsa`),
  };
};
