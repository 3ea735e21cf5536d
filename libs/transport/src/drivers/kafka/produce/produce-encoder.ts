import { createRequire } from 'node:module';
import { produceBody, type ProduceParameters } from './produce-body.js';

/** A request as kafkajs sends it: what `encode` resolves with goes behind the request's head. */
export interface EncodedRequest {
  apiVersion: number;
  encode(): Promise<{ buf: Buffer; buffer: Buffer }>;
}

interface Protocol {
  (parameters: ProduceParameters & { compression?: number; transactionalId?: string | null }): {
    request: EncodedRequest;
  };
}

/** kafkajs's own table of the versions of a request. */
interface RequestTable {
  protocol(choice: { version: number }): Protocol;
}

/** The versions whose requests are alike. */
const FIRST = 3;
const LAST = 7;

/** kafkajs's own encoder is the one for what ours has no place for. */
const isPlain = ({ compression, transactionalId, topicData }: Parameters<Protocol>[0]): boolean =>
  (compression ?? 0) === 0 &&
  (transactionalId ?? null) === null &&
  topicData.every(({ partitions }) =>
    partitions.every(({ messages }) => messages.every(({ timestamp }) => timestamp === undefined)),
  );

/** The same requests as `given` makes, encoded by {@link produceBody} where that can. */
export const encodingAtOnce =
  (given: Protocol, now: () => number = Date.now): Protocol =>
  (parameters) => {
    const { request, ...rest } = given(parameters);
    const { apiVersion } = request;
    if (apiVersion < FIRST || apiVersion > LAST || !isPlain(parameters)) return { request, ...rest };
    const encode = (): Promise<{ buf: Buffer; buffer: Buffer }> => {
      const bytes = produceBody(parameters, now());
      return Promise.resolve({ buf: bytes, buffer: bytes });
    };
    return { request: { ...request, encode }, ...rest };
  };

/** kafkajs's table of produce requests. */
export const produceTable = (): RequestTable =>
  createRequire(import.meta.url)('kafkajs/src/protocol/requests/produce') as RequestTable;

let isInstalled = false;

/**
 * Lets the producers of kafkajs encode their requests at once. Its own way makes some buffers of 512 zeros for each
 * record and each header, and integers of its own for each length: as much work as all of the rest of a `send`.
 * kafkajs has no place for another encoder, and no more releases; so its table of requests gets ours.
 */
export const installProduceEncoder = (): void => {
  if (isInstalled) return;
  isInstalled = true;
  const table = produceTable();
  const protocol = table.protocol.bind(table);
  table.protocol = (choice) => encodingAtOnce(protocol(choice));
};
