import { eventually } from '../eventually.js';
import { startRedisServer, type RedisOptions, type RedisServer } from './redis.js';
import { redisReply } from './redis-reply.js';

const SLOTS = 16_384;
/** An inline command has at most 64 KiB. */
const SLOTS_AT_ONCE = 4_096;
/** The port on which the nodes of a cluster talk lies so much above the one for clients. */
const BUS_OFFSET = 10_000;
const HIGHEST_PORT = 65_535;

export interface RedisCluster {
  /** all nodes, comma separated */
  readonly url: string;
  readonly nodes: readonly RedisServer[];
  stop(): Promise<void>;
}

const startNode = async (options: RedisOptions): Promise<RedisServer> => {
  const settings = {
    'cluster-enabled': 'yes',
    'cluster-config-file': 'nodes.conf',
    'cluster-node-timeout': '2000',
    ...options.settings,
  };
  for (;;) {
    const node = await startRedisServer({ ...options, settings }).catch((error: unknown) => {
      // a free port whose bus port is taken, or too high to have one
      if (/port number must be|Failed listening|bind/.test(String(error))) return undefined;
      throw error;
    });
    if (node !== undefined && node.port + BUS_OFFSET <= HIGHEST_PORT) return node;
    await node?.stop();
  }
};

const tell = async (node: RedisServer, command: string): Promise<void> => {
  const reply = await redisReply(node.port, command);
  if (reply !== '+OK') throw new Error(`${command}: expected +OK, got ${String(reply)}`);
};

/** Starts a Redis Cluster of `masters` masters, which share the slots evenly, without replicas. */
export const startRedisCluster = async (
  masters: number,
  options: RedisOptions = {},
): Promise<RedisCluster> => {
  const nodes: RedisServer[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(nodes.map((node) => node.stop()));
  };
  try {
    for (let i = 0; i < masters; i++) nodes.push(await startNode(options));
    const share = Math.ceil(SLOTS / masters);
    for (const [i, node] of nodes.entries()) {
      const end = Math.min(SLOTS, (i + 1) * share);
      for (let from = i * share; from < end; from += SLOTS_AT_ONCE) {
        const length = Math.min(SLOTS_AT_ONCE, end - from);
        const slots = Array.from({ length }, (_, k) => from + k);
        await tell(node, `CLUSTER ADDSLOTS ${slots.join(' ')}`);
      }
      await tell(node, `CLUSTER SET-CONFIG-EPOCH ${i + 1}`);
    }
    const [first, ...others] = nodes;
    for (const node of others) if (first) await tell(first, `CLUSTER MEET 127.0.0.1 ${node.port}`);
    await eventually(() => allAgree(nodes), { timeoutMs: 30_000, everyMs: 50, what: 'the cluster agrees' });
  } catch (error) {
    await stop();
    throw error;
  }
  return { url: nodes.map((node) => node.url).join(','), nodes, stop };
};

/** Every node takes commands and sees every other. */
const allAgree = async (nodes: readonly RedisServer[]): Promise<boolean> => {
  for (const node of nodes) {
    const info = await redisReply(node.port, 'CLUSTER INFO', { whole: true });
    if (info === null || !info.includes('cluster_state:ok')) return false;
    if (!info.includes(`cluster_size:${nodes.length}`)) return false;
  }
  return true;
};
