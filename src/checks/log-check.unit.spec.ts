import { expect, it } from '@jest/globals';
import { readSettings } from '../config/index.js';
import { checkLog } from './log-check.js';

const DAY_MS = 86_400_000;
const MIB = 1024 * 1024;

interface Log {
  /** default: a week */
  keptMs?: number | null;
  maxRecordBytes?: number;
  shared?: boolean;
}

const check = (env: NodeJS.ProcessEnv, { keptMs = 7 * DAY_MS, maxRecordBytes = MIB, shared = true }: Log) => {
  const capabilities = {
    driver: 'test',
    durability: 'process' as const,
    shared,
    maxMetadataBytes: 4_096,
    maxRecordBytes,
  };
  return checkLog({ capabilities, retentionMs: () => Promise.resolve(keptMs) }, readSettings(env));
};

it('has nothing to say of a log that keeps its records as long as what is remembered of them', async () => {
  expect(await check({}, {})).toEqual([]);
  expect(await check({ DORMOUSE_RETENTION_MS: `${DAY_MS}` }, { keptMs: DAY_MS })).toEqual([]);
  expect(await check({}, { keptMs: 1_000 })).toEqual([]);
});

it('refuses one that keeps them longer, and says what to do', async () => {
  await expect(check({ DORMOUSE_RETENTION_MS: `${DAY_MS}` }, { keptMs: DAY_MS + 1 })).rejects.toMatchObject({
    code: 'invalid_settings',
    message: expect.stringMatching(
      /DORMOUSE_RETENTION_MS: expected at least 86400001, .*agent\.intent.*came 86400000.*retention\.ms/,
    ),
  });
});

it('warns of one that keeps them for ever, unless its driver drops what everybody has finished', async () => {
  expect(await check({}, { keptMs: Infinity })).toEqual([expect.stringContaining('for ever')]);
  expect(await check({}, { keptMs: Infinity, shared: false })).toEqual([]);
});

it('asks to look where it may not', async () => {
  expect(await check({}, { keptMs: null })).toEqual([expect.stringContaining('retention.ms')]);
});

it('refuses an inline limit that the topics do not take', async () => {
  const env = { DORMOUSE_INLINE_LIMIT: `${MIB - 16 * 1024}` };
  expect(await check(env, {})).toEqual([]);
  await expect(check(env, { maxRecordBytes: MIB - 1 })).rejects.toMatchObject({
    code: 'invalid_settings',
    message: expect.stringMatching(/DORMOUSE_INLINE_LIMIT: expected at most 1032191 bytes/),
  });
});
