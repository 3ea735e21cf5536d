import {
  closeSync,
  fdatasync,
  fdatasyncSync,
  fsyncSync,
  openSync,
  readdirSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { unlink } from 'node:fs/promises';
import { join } from 'node:path';

/** Every segment begins with this line; a later format says another number. */
export const SEGMENT_HEADER = 'dormouse journal 1\n';
const NAME = /^journal-(\d{10})$/;

/** The numbers of the segments in `dir`, oldest first. */
export const listSegments = (dir: string): number[] =>
  readdirSync(dir)
    .flatMap((name) => NAME.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b);

export const segmentPath = (dir: string, segment: number): string =>
  join(dir, `journal-${String(segment).padStart(10, '0')}`);

/** Makes names that were added to a folder outlive a power cut. */
export const syncFolder = (dir: string): void => {
  const fd = openSync(dir, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
};

/** What was put on the disk since the start. */
export interface JournalCounts {
  /** writes to the journal, each of a batch of moves */
  batches: number;
  bytes: number;
  /** flushes of the disk */
  flushes: number;
}

/**
 * The append-only file in front of the tree. `append` puts a batch into the operating system's hands: it survives the
 * process. `sync` puts it on the disk: it survives the machine.
 */
export class Journal {
  readonly counts: JournalCounts = { batches: 0, bytes: 0, flushes: 0 };
  private fd: number;
  private size = 0;
  private segment: number;
  /** earlier segments with the last batch in each */
  private readonly earlier: { segment: number; last: number }[] = [];
  private syncs = 0;
  private readonly retired: number[] = [];
  private unlinking: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly dir: string,
    first: number,
    private readonly segmentBytes: number,
  ) {
    this.segment = first;
    this.fd = this.begin();
  }

  get full(): boolean {
    return this.size >= this.segmentBytes;
  }

  append(bytes: Buffer): void {
    let at = 0;
    while (at < bytes.length) at += writeSync(this.fd, bytes, at, bytes.length - at);
    this.size += bytes.length;
    this.counts.batches++;
    this.counts.bytes += bytes.length;
  }

  /** Flushes all that was appended before the call. */
  sync(): Promise<void> {
    this.syncs++;
    this.counts.flushes++;
    return new Promise((resolve, reject) => {
      fdatasync(this.fd, (error) => {
        this.syncs--;
        this.closeRetired();
        if (error) reject(error);
        else resolve();
      });
    });
  }

  /** Begins a new segment; the one before is flushed first, so that only the last one can have a torn end. */
  rotate(lastBatch: number): void {
    fdatasyncSync(this.fd);
    this.retired.push(this.fd);
    this.closeRetired();
    this.earlier.push({ segment: this.segment, last: lastBatch });
    this.segment++;
    this.fd = this.begin();
  }

  /** Deletes the segments that hold nothing after `batch`. */
  trim(batch: number): void {
    while (this.earlier[0] && this.earlier[0].last <= batch) {
      // in another thread: the file system takes milliseconds for a large file. One left by a crash does no harm.
      const deleted = unlink(segmentPath(this.dir, this.earlier[0].segment)).catch(() => undefined);
      this.unlinking = Promise.all([this.unlinking, deleted]);
      this.earlier.shift();
    }
  }

  /** The caller has waited for its `sync` calls. */
  async close(): Promise<void> {
    this.retired.push(this.fd);
    this.closeRetired();
    await this.unlinking;
  }

  /** After `close`, when the tree has everything: the next start has nothing to read. */
  remove(): void {
    for (const segment of listSegments(this.dir)) rmSync(segmentPath(this.dir, segment), { force: true });
  }

  private begin(): number {
    const fd = openSync(segmentPath(this.dir, this.segment), 'wx', 0o600);
    this.size = writeSync(fd, SEGMENT_HEADER);
    syncFolder(this.dir);
    return fd;
  }

  /** A file that is being flushed in another thread must keep its descriptor. */
  private closeRetired(): void {
    if (this.syncs > 0) return;
    for (const fd of this.retired.splice(0)) closeSync(fd);
  }
}
