/** A line of a batch, or that it was longer than the limit (its bytes are dropped as they come). */
export type Line = Buffer | 'too_long';

const NEWLINE = 0x0a;

/** Cuts a stream of bytes into lines. Holds at most one line's limit; hands out views of the chunks, not copies. */
export class LineSplitter {
  private parts: Buffer[] = [];
  private heldBytes = 0;
  private skipping = false;

  constructor(private readonly limitBytes: number) {}

  /** The lines that end in this chunk. */
  push(chunk: Buffer): Line[] {
    const lines: Line[] = [];
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      this.hold(chunk.subarray(start, end));
      lines.push(this.take());
      start = end + 1;
    }
    if (start < chunk.length) this.hold(chunk.subarray(start));
    return lines;
  }

  /** The last line, when the stream ended without a line break. */
  end(): Line[] {
    return this.heldBytes > 0 || this.skipping ? [this.take()] : [];
  }

  private hold(part: Buffer): void {
    if (this.skipping) return;
    this.heldBytes += part.length;
    if (this.heldBytes <= this.limitBytes) this.parts.push(part);
    else {
      this.skipping = true;
      this.parts = [];
    }
  }

  private take(): Line {
    const [first, ...rest] = this.parts;
    const line: Line = this.skipping
      ? 'too_long'
      : first !== undefined && rest.length === 0
        ? first
        : Buffer.concat(this.parts);
    this.parts = [];
    this.heldBytes = 0;
    this.skipping = false;
    return line;
  }
}
