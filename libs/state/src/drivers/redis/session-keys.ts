import { checkedPrefix, sessionTag, SHARDS, shardOf } from '#redis';
import { timePart } from '../../list-place.js';

const DATAREF = /^blob:\{(.+)\}:([0-9a-f]{64})$/s;

/** Where everything lies. The keys of one session share a slot of a cluster; those of an index over sessions don't. */
export class SessionKeys {
  private readonly prefix: string;

  /** @throws DormouseError `invalid_settings` */
  constructor(prefix: string | undefined) {
    this.prefix = checkedPrefix(prefix);
  }

  /**
   * A hash: `fixed`, `head` (JSON; the snapshot is both), `version`, `tokens` (of the latest commits, newest first),
   * `pending` (what `isPending` needs of the head), `asleep` (what the audit needs of it), `ended` (there once it has).
   */
  state(sessionId: string): string {
    return `${this.prefix}state:${sessionTag(sessionId)}`;
  }

  /** A hash: entries by their key. */
  history(sessionId: string): string {
    return `${this.prefix}history:${sessionTag(sessionId)}`;
  }

  /** A list: the entry with seq n is its nth. */
  timeline(sessionId: string): string {
    return `${this.prefix}timeline:${sessionTag(sessionId)}`;
  }

  /** A set: the hashes of the session's blobs. */
  blobs(sessionId: string): string {
    return `${this.prefix}blobs:${sessionTag(sessionId)}`;
  }

  /** Followed by the SHA-256, hexadecimal: the bytes. */
  blobStem(sessionId: string): string {
    return `${this.prefix}blob:${sessionTag(sessionId)}:`;
  }

  /** The key of a `dataref`; null: it is none of ours. */
  blobOf(dataref: string): string | null {
    const [, sessionId, hash] = DATAREF.exec(dataref) ?? [];
    return sessionId === undefined || hash === undefined ? null : this.blobStem(sessionId) + hash;
  }

  /** The four keys that every move on a session may touch, in this order. */
  all(sessionId: string): [state: string, history: string, timeline: string, blobs: string] {
    return [this.state(sessionId), this.history(sessionId), this.timeline(sessionId), this.blobs(sessionId)];
  }

  /** The channel on which a session's growth is told. */
  changed(sessionId: string): string {
    return `${this.prefix}changed:${sessionTag(sessionId)}`;
  }

  /** A sorted set: session ids by the time at which they are to be woken. */
  wake(sessionId: string): string {
    return `${this.prefix}wake:${shardOf(sessionId)}`;
  }

  wakes(): string[] {
    return this.shards('wake');
  }

  /** A sorted set: {@link endedMember} by the time of the end. */
  ended(sessionId: string): string {
    return `${this.prefix}ended:${shardOf(sessionId)}`;
  }

  endings(): string[] {
    return this.shards('ended');
  }

  /** A sorted set in order of its members: {@link listMember}. */
  list(tenant: string): string {
    return `${this.prefix}sessions:${tenant}`;
  }

  /** They say that the store was in use; on a cluster each server is likely to hold some. */
  markers(): string[] {
    return this.shards('marker');
  }

  /** What `SCAN` finds the keys of all sessions by. */
  statePattern(): string {
    return `${this.prefix.replace(/[\\*?[\]]/g, '\\$&')}state:{*}`;
  }

  /** Of a key of {@link state}; undefined: its id isn't of our form, and the snapshot alone has it. */
  sessionOf(stateKey: string): string | undefined {
    const tag = stateKey.slice(this.prefix.length + 'state:{'.length, -1);
    return tag.startsWith('~') ? undefined : tag;
  }

  /** A hash: who has the audit's turn (`holder`), until when (`until`, ms), and its `notes` (JSON). */
  audit(): string {
    return `${this.prefix}audit`;
  }

  private shards(name: string): string[] {
    return Array.from({ length: SHARDS }, (_, shard) => `${this.prefix}${name}:${shard}`);
  }
}

/** `<time of creation>|<session id>`: in the order of a list. */
export const listMember = (createdAt: number, sessionId: string): string =>
  `${timePart(createdAt)}|${sessionId}`;

/** What is needed to forget a session whose snapshot the server has forgotten already. */
export const endedMember = (sessionId: string, tenant: string, createdAt: number): string =>
  JSON.stringify([sessionId, tenant, createdAt]);

export const readEndedMember = (member: string): { sessionId: string; tenant: string; createdAt: number } => {
  const [sessionId, tenant, createdAt] = JSON.parse(member) as [string, string, number];
  return { sessionId, tenant, createdAt };
};
