import { RuntimeProcess } from '#testing';
import { freshNames } from '../../e2e/on-servers.js';

export type FleetRole = 'api' | 'commander' | 'dispatcher' | 'scheduler';

export interface FleetServers {
  KAFKA_BROKERS: string;
  REDIS_URL: string;
}

/** A dead claim and a dead member of a group are noticed after so long. */
export const LEASE_MS = 3_000;
export const KAFKA_SESSION_MS = 3_000;
const PARTITIONS = '8';

/** One instance of one role, in a process of its own. */
export interface Member {
  role: FleetRole;
  runtime: RuntimeProcess;
}

/** The processes of one deployment on Kafka and Redis, with names of its own on them. */
export class Fleet {
  private readonly members: Member[] = [];
  private started = 0;

  private constructor(readonly env: NodeJS.ProcessEnv) {}

  /** Starts an instance per named role, all at once. */
  static async start(servers: FleetServers, roles: readonly FleetRole[], journal: string): Promise<Fleet> {
    const fleet = new Fleet({
      ...servers,
      ...freshNames(),
      DORMOUSE_PARTITIONS: PARTITIONS,
      DORMOUSE_LEASE_MS: String(LEASE_MS),
      DORMOUSE_KAFKA_SESSION_MS: String(KAFKA_SESSION_MS),
      DORMOUSE_TOOLS: './test/fault/effect-tools.mjs',
      FAULT_JOURNAL: journal,
    });
    try {
      await Promise.all(roles.map((role) => fleet.add(role)));
    } catch (error) {
      await fleet.remove();
      throw error;
    }
    return fleet;
  }

  /** Those that were started and not taken away, whether they run at the moment or not. */
  of(role: FleetRole): Member[] {
    return this.members.filter((member) => member.role === role);
  }

  all(): readonly Member[] {
    return this.members;
  }

  /** One more instance. */
  async add(role: FleetRole): Promise<Member> {
    const runtime = await RuntimeProcess.create({
      ...this.env,
      DORMOUSE_ROLES: role,
      DORMOUSE_INSTANCE: `${role}-${++this.started}`,
    });
    const member = { role, runtime };
    this.members.push(member);
    await runtime.start();
    return member;
  }

  /** Ends one for good, in order. */
  async takeAway(member: Member): Promise<number | null> {
    const code = await member.runtime.end('SIGTERM');
    this.members.splice(this.members.indexOf(member), 1);
    await member.runtime.remove();
    return code;
  }

  /** The end of what each has printed, for who looks into a failure. */
  logs(): string {
    return this.members.map(({ role, runtime }) => `== ${role} ${runtime.url}\n${runtime.log()}`).join('\n');
  }

  async remove(): Promise<void> {
    await Promise.all(this.members.map(({ runtime }) => runtime.remove()));
  }
}
