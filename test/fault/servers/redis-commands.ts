/** One command on its way to Redis. */
export interface RedisCommand {
  /** its name and arguments */
  args: string[];
  /** as it was sent */
  raw: Buffer;
}

const CRLF = Buffer.from('\r\n');

/** Cuts what a client sends into its commands: arrays of bulk strings (RESP). What isn't whole yet waits for the rest. */
export class CommandReader {
  private rest: Buffer = Buffer.alloc(0);

  push(chunk: Buffer): RedisCommand[] {
    this.rest = Buffer.concat([this.rest, chunk]);
    const commands: RedisCommand[] = [];
    for (let next = this.first(); next !== undefined; next = this.first()) {
      commands.push(next);
      this.rest = this.rest.subarray(next.raw.length);
    }
    return commands;
  }

  private first(): RedisCommand | undefined {
    const head = this.number(0, '*');
    if (head === undefined) return undefined;
    const args: string[] = [];
    let at = head.end;
    for (let i = 0; i < head.value; i++) {
      const size = this.number(at, '$');
      if (size === undefined || this.rest.length < size.end + size.value + CRLF.length) return undefined;
      args.push(this.rest.toString('utf8', size.end, size.end + size.value));
      at = size.end + size.value + CRLF.length;
    }
    return { args, raw: this.rest.subarray(0, at) };
  }

  private number(at: number, sign: '*' | '$'): { value: number; end: number } | undefined {
    const end = this.rest.indexOf(CRLF, at);
    if (end === -1) return undefined;
    const text = this.rest.toString('latin1', at, end);
    if (!text.startsWith(sign) || !/^.\d+$/.test(text))
      throw new Error(`expected a RESP ${sign} and a number, came ${JSON.stringify(text)}`);
    return { value: Number(text.slice(1)), end: end + CRLF.length };
  }
}
