import { isTerminal } from '#contracts';
import { type RedisConnection, type ScriptArgument } from '#redis';
import type { Commit, CommitReply, CreateReply, Creation } from '../../port.js';
import { mayBePutOff } from '../../put-off.js';
import { type LatestSnapshots } from './latest-snapshots.js';
import { commitMove } from './moves/commit.lua.js';
import { createMove } from './moves/create.lua.js';
import {
  decodeSnapshot,
  encodeAsleep,
  encodeFixed,
  encodeHead,
  encodePending,
  plain,
} from './session-codec.js';
import { endedMember, listMember, type SessionKeys } from './session-keys.js';
import { type WakeIndex } from './wake-index.js';

/**
 * Creation and commits. On a single server each is one script on all that it touches. On a cluster the indexes lie
 * elsewhere: what must not be missing after a crash is written before, what may be early is put right after.
 */
export class SessionWrites {
  constructor(
    private readonly redis: RedisConnection,
    private readonly keys: SessionKeys,
    private readonly wakes: WakeIndex,
    private readonly latest: LatestSnapshots,
    private readonly retentionMs: number,
  ) {}

  async create({ snapshot, timeline, wakeAt }: Creation): Promise<CreateReply> {
    const { redis, keys } = this;
    const { session_id: id, fixed } = snapshot;
    const list = keys.list(fixed.tenant);
    const member = listMember(fixed.created_at, id);
    const texts = [encodeFixed(fixed), encodeHead(snapshot)] as const;
    const args: ScriptArgument[] = [
      ...texts,
      snapshot.version,
      encodePending(snapshot),
      keys.changed(id),
      id,
      wakeAt,
      member,
      keys.blobStem(id),
      encodeAsleep(snapshot, wakeAt),
      ...timeline.map((entry) => JSON.stringify(entry)),
    ];
    const send = async (...indexes: string[]): Promise<CreateReply> => {
      const reply = await redis.run(createMove, [...keys.all(id), ...indexes], args);
      const [kind, takenFixed, takenHead] = reply as string[];
      const taken = kind === 'exists' ? decodeSnapshot(takenFixed, takenHead) : null;
      if (taken !== null) return { kind: 'exists', snapshot: taken };
      this.latest.add(snapshot, texts[0].length, texts[1].length);
      return { kind: 'created' };
    };
    if (!redis.cluster) return send(keys.wake(id), list);

    // a taken id is asked for before anything is written for it
    if (await redis.call((client) => client.exists(keys.state(id)))) return send();
    const [lowered] = await Promise.all([
      this.wakes.lowerBefore(id, wakeAt, true),
      redis.call((client) => client.zadd(list, 0, member)),
    ]);
    const reply = await send();
    if (reply.kind === 'created') await this.wakes.settleAfter(id, lowered, wakeAt);
    return reply;
  }

  async commit(commit: Commit): Promise<CommitReply> {
    const { redis, keys, wakes } = this;
    const { snapshot, wakeAt } = commit;
    const id = snapshot.session_id;
    const head = encodeHead(snapshot);
    const args = this.commitArguments(commit, head);
    const send = async (...indexes: string[]): Promise<string[]> => {
      const reply = (await redis.run(commitMove, [...keys.all(id), ...indexes], args)) as string[];
      // of a repeat it isn't known what came after it
      if (reply[0] === 'committed') this.latest.follow(snapshot, head.length);
      else this.latest.forget(id);
      return reply;
    };
    if (!redis.cluster) return replyOf(await send(keys.wake(id), keys.ended(id)));

    // an unfinished session has an entry: where there is none, none is made for a commit that may be refused
    const lowered = wakeAt === null ? null : await wakes.lowerBefore(id, wakeAt, false);
    const reply = await send();
    const [kind] = reply;
    const staysEarly = lowered !== null && mayBePutOff(snapshot);
    // nobody waits for it: an entry that stays too early wakes somebody in vain, which is all
    if (kind === 'committed' && wakeAt !== null && lowered !== wakeAt && !staysEarly)
      wakes.settleAfter(id, lowered, wakeAt).catch(() => undefined);
    if ((kind === 'committed' || kind === 'repeated') && isTerminal(snapshot.status)) {
      const { tenant, created_at } = snapshot.fixed;
      const member = endedMember(id, tenant, created_at);
      await Promise.all([
        wakes.remove(id),
        redis.call((client) => client.zadd(keys.ended(id), snapshot.updated_at, member)),
      ]);
    }
    return replyOf(reply);
  }

  private commitArguments(
    { token, expectedVersion, snapshot, history, timeline, wakeAt }: Commit,
    head: string,
  ): ScriptArgument[] {
    const { session_id: id, fixed } = snapshot;
    return [
      plain(token),
      expectedVersion,
      snapshot.version,
      head,
      encodePending(snapshot),
      isTerminal(snapshot.status) ? this.retentionMs : '',
      this.keys.changed(id),
      this.keys.blobStem(id),
      id,
      wakeAt ?? '',
      mayBePutOff(snapshot) ? 1 : '',
      endedMember(id, fixed.tenant, fixed.created_at),
      snapshot.updated_at,
      encodeAsleep(snapshot, wakeAt),
      history.length * 2,
      ...history.flatMap((entry) => [entry.key, JSON.stringify(entry)]),
      ...timeline.map((entry) => JSON.stringify(entry)),
    ];
  }
}

const replyOf = ([kind, version]: string[]): CommitReply => {
  switch (kind) {
    case 'committed':
    case 'repeated':
      return { kind: 'committed' };
    case 'conflict':
      return { kind, version: Number(version) };
    case 'missing':
      return { kind };
    default:
      throw new Error(`expected an answer of a script of ours, got ${String(kind)}`);
  }
};
