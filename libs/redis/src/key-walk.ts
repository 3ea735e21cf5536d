import type { Redis } from 'ioredis';
import { type Client, isCluster } from './client.js';

/** Some keys of a server or a cluster. A key that was there all along is in one page of a walk at least. */
export interface KeyPage {
  keys: string[];
  /** where the walk goes on; null: it is over */
  next: string | null;
}

interface Node {
  name: string;
  client: Redis;
}

/** In the order of their names, which a walk keeps to while nodes come and go. */
const nodesOf = (client: Client): Node[] =>
  isCluster(client)
    ? client
        .nodes('master')
        .map((node) => ({ name: `${node.options.host ?? ''}:${node.options.port ?? 0}`, client: node }))
        .sort((a, b) => (a.name < b.name ? -1 : 1))
    : [{ name: '', client }];

/**
 * One page of a walk over all keys that match, at most about `count` keys looked at. On a cluster one master after the
 * other; keys that move between them meanwhile may be left out.
 *
 * @param place `next` of the page before; null: the walk begins
 */
export const keyPage = async (
  client: Client,
  place: string | null,
  pattern: string,
  count: number,
): Promise<KeyPage> => {
  const [name = '', cursor = '0'] = place?.split('|') ?? [];
  const nodes = nodesOf(client).filter((node) => node.name >= name);
  const [node, after] = nodes;
  if (node === undefined) return { keys: [], next: null };
  // the node where it was is gone: the next one, from its beginning
  const from = node.name === name ? cursor : '0';
  const [next, keys] = await node.client.scan(from, 'MATCH', pattern, 'COUNT', count);
  if (next !== '0') return { keys, next: `${node.name}|${next}` };
  return { keys, next: after === undefined ? null : `${after.name}|0` };
};
