import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { CloudEvent } from '#contracts';

/** Text that is gathered for a file before it is written. */
const CHUNK_CHARS = 64 * 1024;

const FNV_BASIS = 0x811c9dc5;
const FNV_PRIME = 0x01000193;
const hashOf = (text: string): number => {
  let hash = FNV_BASIS;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), FNV_PRIME);
  return hash >>> 0;
};

interface Bucket {
  path: string;
  file: number;
  waiting: string[];
  chars: number;
}

/**
 * Events on disk, in buckets by session: all of a session are in one, in the order in which they came. So a log of any
 * length is sorted by session with one bucket in memory at a time.
 */
export class Spool {
  private readonly buckets: Bucket[];

  /** @param folder its own; made here, and removed by {@link remove} */
  constructor(
    private readonly folder: string,
    buckets: number,
  ) {
    mkdirSync(folder, { recursive: true });
    this.buckets = Array.from({ length: buckets }, (_, i) => {
      const path = join(folder, `${i}.ndjson`);
      return { path, file: openSync(path, 'w', 0o600), waiting: [], chars: 0 };
    });
  }

  get size(): number {
    return this.buckets.length;
  }

  add(sessionId: string, event: CloudEvent): void {
    const bucket = this.buckets[hashOf(sessionId) % this.buckets.length];
    if (bucket === undefined) return;
    const line = `${JSON.stringify([sessionId, event])}\n`;
    bucket.waiting.push(line);
    bucket.chars += line.length;
    if (bucket.chars >= CHUNK_CHARS) flush(bucket);
  }

  /** All of a bucket, by session. Nothing is added any more. */
  read(index: number): Map<string, CloudEvent[]> {
    const sessions = new Map<string, CloudEvent[]>();
    const bucket = this.buckets[index];
    if (bucket === undefined) return sessions;
    flush(bucket);
    for (const line of readFileSync(bucket.path, 'utf8').split('\n')) {
      if (line === '') continue;
      const [sessionId, event] = JSON.parse(line) as [string, CloudEvent];
      const own = sessions.get(sessionId);
      if (own === undefined) sessions.set(sessionId, [event]);
      else own.push(event);
    }
    return sessions;
  }

  remove(): void {
    for (const { file } of this.buckets) closeSync(file);
    rmSync(this.folder, { recursive: true, force: true });
  }
}

const flush = (bucket: Bucket): void => {
  if (bucket.waiting.length === 0) return;
  writeSync(bucket.file, bucket.waiting.join(''));
  bucket.waiting = [];
  bucket.chars = 0;
};
