import { type Finding, risk, unknown, well, wrong } from '#contracts';
import { type Client, isCluster } from './client.js';

const NAMES = ['appendonly', 'appendfsync', 'maxmemory-policy'] as const;
type Settings = Partial<Record<(typeof NAMES)[number], string>>;

/** What a Redis promises, by its own settings. */
export interface ServerPromises {
  /** `power` only if every node has `appendonly yes` and `appendfsync always` */
  durability: 'process' | 'power';
  /** for the one who runs it */
  findings: Finding[];
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

const DURABILITY = 'Redis durability';
const EVICTION = 'Redis maxmemory-policy';

const durabilityOf = ({ appendonly, appendfsync }: Settings): Finding => {
  if (appendonly !== 'yes')
    return wrong(DURABILITY, {
      expected: 'appendonly yes',
      came: `appendonly ${appendonly ?? 'unknown'}: when Redis ends, all sessions and claims are lost`,
      advice: 'Set appendonly yes, and appendfsync always so that nothing acknowledged is lost.',
    });
  if (appendfsync !== 'always')
    return risk(DURABILITY, {
      expected: 'appendfsync always',
      came: `appendfsync ${appendfsync ?? 'unknown'}: a power cut loses the last second or more of claims, after which a tool may run twice`,
      advice: 'Set appendfsync always where that must not be.',
    });
  return well(DURABILITY, 'appendonly yes, appendfsync always: what is acknowledged outlives a power cut');
};

const findingsOf = (settings: Settings | null): Finding[] => {
  if (settings === null)
    return [
      unknown(
        DURABILITY,
        'Redis does not tell its settings (CONFIG GET is refused): see to it that it has appendonly yes and maxmemory-policy noeviction',
      ),
    ];
  const policy = settings['maxmemory-policy'];
  const eviction =
    policy === 'noeviction'
      ? well(EVICTION, 'noeviction')
      : wrong(EVICTION, {
          expected: 'noeviction',
          came: `maxmemory-policy ${policy ?? 'unknown'}: when memory is short it drops sessions or claims`,
          advice: 'Set maxmemory-policy noeviction.',
        });
  return [durabilityOf(settings), eviction];
};

/** What several nodes say alike is said once; what is well with one is left out where another says otherwise. */
const merged = (all: readonly Finding[]): Finding[] => {
  const distinct = [...new Map(all.map((finding) => [JSON.stringify(finding), finding])).values()];
  return distinct.filter(
    ({ check, state }) => state !== 'well' || distinct.every((o) => o.check !== check || o.state === 'well'),
  );
};

/** Asks every master. */
export const serverPromises = async (client: Client): Promise<ServerPromises> => {
  const all = await Promise.all((isCluster(client) ? client.nodes('master') : [client]).map(settingsOf));
  const power = all.every((one) => one?.appendonly === 'yes' && one.appendfsync === 'always');
  return { durability: power ? 'power' : 'process', findings: merged(all.flatMap(findingsOf)) };
};
