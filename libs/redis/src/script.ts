import { createHash } from 'node:crypto';

/** One atomic move. Its file's header tells what KEYS and ARGV are and what it answers. */
export interface RedisScript {
  lua: string;
  /** by which the server knows it once it was sent */
  sha: string;
}

/** What a script's arguments may be. A Buffer goes as it is. */
export type ScriptArgument = string | number | Buffer;
/** What a script answers: integers, strings, lists of them; a Lua `false` is null. */
export type ScriptReply = number | string | null | ScriptReply[];

export const redisScript = (lua: string): RedisScript => ({
  lua,
  sha: createHash('sha1').update(lua).digest('hex'),
});
