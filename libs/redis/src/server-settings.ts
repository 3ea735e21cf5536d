import { type Client, isCluster } from './client.js';

const NAMES = ['appendonly', 'appendfsync', 'maxmemory-policy'] as const;
type Settings = Partial<Record<(typeof NAMES)[number], string>>;

/** What a Redis promises, by its own settings. */
export interface ServerPromises {
  /** `power` only if every node has `appendonly yes` and `appendfsync always` */
  durability: 'process' | 'power';
  /** sentences for the one who runs it; empty when all is well */
  warnings: string[];
}

/** Null: the server doesn't tell (a managed one may refuse CONFIG). */
const settingsOf = async (node: Pick<Client, 'config'>): Promise<Settings | null> => {
  try {
    const answers = await Promise.all(NAMES.map((name) => node.config('GET', name)));
    return Object.fromEntries((answers as [string, string][]).map(([name, value]) => [name, value]));
  } catch {
    return null;
  }
};

const warningsOf = (settings: Settings | null): string[] => {
  if (settings === null)
    return [
      'Redis does not tell its settings (CONFIG GET is refused): see to it that it has appendonly yes and maxmemory-policy noeviction',
    ];
  const warnings: string[] = [];
  const { appendonly, appendfsync, 'maxmemory-policy': policy } = settings;
  if (appendonly !== 'yes')
    warnings.push(
      'Redis has appendonly off: when it ends, all sessions and claims are lost; set appendonly yes, and appendfsync always so that nothing acknowledged is lost',
    );
  else if (appendfsync !== 'always')
    warnings.push(
      `Redis has appendfsync ${appendfsync ?? 'unknown'}: a power cut loses the last second or more of claims, after which a tool may run twice; appendfsync always promises that it will not`,
    );
  if (policy !== 'noeviction')
    warnings.push(
      `Redis has maxmemory-policy ${policy ?? 'unknown'}: when memory is short it drops sessions or claims; set noeviction`,
    );
  return warnings;
};

/** Asks every master. */
export const serverPromises = async (client: Client): Promise<ServerPromises> => {
  const all = await Promise.all((isCluster(client) ? client.nodes('master') : [client]).map(settingsOf));
  const power = all.every((one) => one?.appendonly === 'yes' && one.appendfsync === 'always');
  return { durability: power ? 'power' : 'process', warnings: [...new Set(all.flatMap(warningsOf))] };
};
