import { connect } from 'node:net';
import kafkajs from 'kafkajs';

const CHECK = 'dormouse-ready-check';
const JOIN_WITHIN_MS = 5_000;

const listens = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    const done = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => done(true));
    socket.once('error', () => done(false));
  });

/**
 * True when a group can join. A broker that listens is not enough: on a fresh one the topic of the groups' offsets is
 * only made when the first group asks for its coordinator.
 */
export const groupCanJoin = async (port: number): Promise<boolean> => {
  if (!(await listens(port))) return false;
  const kafka = new kafkajs.Kafka({
    clientId: CHECK,
    brokers: [`127.0.0.1:${port}`],
    logLevel: kafkajs.logLevel.NOTHING,
    // gives up soon: the caller asks again; a consumer that started itself anew would outlive this check
    retry: { initialRetryTime: 50, maxRetryTime: 250, retries: 8, restartOnFailure: async () => false },
  });
  const admin = kafka.admin();
  const consumer = kafka.consumer({ groupId: CHECK, sessionTimeout: 6_000, maxWaitTimeInMs: 50 });
  let timer: NodeJS.Timeout | undefined;
  try {
    await admin.connect();
    await admin.createTopics({ topics: [{ topic: CHECK, numPartitions: 1 }], waitForLeaders: true });
    const joined = new Promise<boolean>((resolve) => {
      consumer.on(consumer.events.GROUP_JOIN, () => resolve(true));
      timer = setTimeout(() => resolve(false), JOIN_WITHIN_MS);
    });
    await consumer.connect();
    await consumer.subscribe({ topic: CHECK });
    await consumer.run({ eachMessage: async () => undefined });
    return await joined;
  } catch {
    return false;
  } finally {
    clearTimeout(timer);
    await Promise.allSettled([consumer.disconnect(), admin.disconnect()]);
  }
};
