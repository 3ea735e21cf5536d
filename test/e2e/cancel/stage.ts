import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  isTerminal,
  type Problem,
  type SessionStatus,
  type SessionView,
  type Submission,
  type Timeline,
} from '#contracts';
import { eventually } from '#testing';

/** What a tool of `stage-tools.mjs` wrote down. */
export interface Line {
  session: string;
  /** as the parameters name the call; of a compensation `undo <name>` */
  name: string;
  at: 'begin' | 'aborted' | 'end';
  pid: number;
}

/** Sessions of one deployment, wherever it runs, and what its tools write down in a folder. */
export class Stage {
  constructor(
    private readonly url: string,
    private readonly folder: string,
    /** where each dispatcher tells its metrics */
    private readonly dispatchers: readonly string[],
  ) {}

  /** All that the tools of these sessions wrote down, in order, whatever process they ran in. */
  journal(...sessions: string[]): Line[] {
    const file = join(this.folder, 'journal');
    if (!existsSync(file)) return [];
    const lines = readFileSync(file, 'utf8').trim().split('\n');
    return lines.map((line) => JSON.parse(line) as Line).filter((line) => sessions.includes(line.session));
  }

  /** Lets a call go on that holds. */
  open(session: string, name: string): void {
    writeFileSync(join(this.folder, `${session}.${name}`), '');
  }

  async begun(session: string, ...names: string[]): Promise<void> {
    await eventually(
      () =>
        names.every((name) =>
          this.journal(session).some((line) => line.name === name && line.at === 'begin'),
        ),
      { timeoutMs: 30_000, what: `${names.join(', ')} of ${session} begin` },
    );
  }

  async submit(body: Submission): Promise<string> {
    const { status, answer } = await this.call('POST', '/v1/sessions', body);
    if (status !== 202) throw new Error(`submit: ${status} ${JSON.stringify(answer)}`);
    return (answer as SessionView).session_id;
  }

  async cancel(session: string, compensate: boolean): Promise<number> {
    return (await this.call('POST', `/v1/sessions/${session}/cancel`, { compensate })).status;
  }

  async refusalOfCancel(session: string, compensate: boolean): Promise<[number, string]> {
    const { status, answer } = await this.call('POST', `/v1/sessions/${session}/cancel`, {
      compensate,
    });
    return [status, (answer as Problem).code];
  }

  /** Says of everything that is stuck that it was done. */
  async settle(id: string): Promise<void> {
    const { stuck = [] } = await this.session(id);
    for (const { intent_id } of stuck) {
      const body = { outcome: 'succeeded', by: 'ann', reason: 'looked' };
      const { status, answer } = await this.call('POST', `/v1/sessions/${id}/resolutions/${intent_id}`, body);
      if (status !== 202) throw new Error(`settle: ${status} ${JSON.stringify(answer)}`);
    }
  }

  async session(id: string): Promise<SessionView> {
    return (await this.call('GET', `/v1/sessions/${id}`)).answer as SessionView;
  }

  async timeline(id: string): Promise<Timeline> {
    return (await this.call('GET', `/v1/sessions/${id}/timeline`)).answer as Timeline;
  }

  reaches(id: string, ...statuses: SessionStatus[]): Promise<SessionView> {
    return eventually(
      async () => {
        const session = await this.session(id);
        return statuses.includes(session.status) ? session : null;
      },
      { timeoutMs: 30_000, what: `${id} becomes ${statuses.join(' or ')}` },
    );
  }

  /** How many cancels steps have applied. */
  async cancels(id: string): Promise<number> {
    const { entries } = await this.timeline(id);
    return entries.filter(
      ({ type, payload }) => type === 'observation' && (payload as { type?: string }).type === 'cancel',
    ).length;
  }

  /** A step has applied the cancel that came after so many. */
  async cancelTold(id: string, earlier = 0): Promise<void> {
    await eventually(async () => (await this.cancels(id)) > earlier, {
      timeoutMs: 30_000,
      what: `the cancel of ${id} is applied`,
    });
  }

  /** Ended, or standing still for a person. */
  rests(id: string): Promise<SessionView> {
    return eventually(
      async () => {
        const session = await this.session(id);
        return isTerminal(session.status) || session.status === 'parked' ? session : null;
      },
      { timeoutMs: 60_000, what: `${id} comes to rest` },
    );
  }

  /** The sum of a gauge over all dispatchers. */
  async gauge(name: string): Promise<number> {
    const texts = await Promise.all(
      this.dispatchers.map(async (url) => (await fetch(`${url}/metrics`)).text()),
    );
    return texts.reduce((sum, text) => {
      const value = text
        .split('\n')
        .find((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));
      return sum + Number(value?.slice(value.lastIndexOf(' ') + 1) ?? 0);
    }, 0);
  }

  private async call(
    method: string,
    path: string,
    json?: unknown,
  ): Promise<{ status: number; answer: unknown }> {
    const response = await fetch(this.url + path, {
      method,
      ...(json === undefined
        ? {}
        : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(json) }),
    });
    return { status: response.status, answer: JSON.parse(await response.text()) };
  }
}
