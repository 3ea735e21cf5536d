import { beforeAll } from '@jest/globals';
import { transportContract } from '#testing';
import { SERVER_START_MS, sharedKafka } from '#testing/servers';
import { kafkaBed } from './kafka-bed.js';

// joining a group takes some answers of the broker, and it shares a machine with other tests
let brokers = '';
beforeAll(async () => {
  brokers = await sharedKafka();
}, SERVER_START_MS);

transportContract(
  'kafka',
  kafkaBed(() => brokers),
  { shared: true, clock: 'real' },
);
