import type { LookupAddress } from 'node:dns';
import { lookup as resolve } from 'node:dns';
import {
  Agent as PlainAgent,
  type ClientRequest,
  type IncomingMessage,
  request as plainRequest,
} from 'node:http';
import { Agent as TlsAgent, request as tlsRequest } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { DormouseError, NonRetryableError, RetryableError, UnknownOutcomeError } from '#contracts';
import type { AllowList } from './allow.list.js';

export interface HttpCall {
  method: string;
  url: URL;
  headers: Record<string, string>;
  body: string | undefined;
  signal: AbortSignal;
}

export interface HttpAnswer {
  status: number;
  headers: Record<string, string>;
  body: Buffer;
}

const text = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error);
  // happy eyeballs: one error per address that was tried
  if (error instanceof AggregateError) return error.errors.map(text).join('; ');
  return error.message;
};

const headersOf = (message: IncomingMessage): Record<string, string> =>
  Object.fromEntries(
    Object.entries(message.headers).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(', ') : (value ?? ''),
    ]),
  );

/** Makes HTTP requests, each to the one address that was checked when it connected, and says what an error means. */
export class HttpExchange {
  private readonly plain = new PlainAgent({ keepAlive: true, maxFreeSockets: 64 });
  private readonly tls = new TlsAgent({ keepAlive: true, maxFreeSockets: 64 });

  constructor(
    private readonly allow: AllowList,
    private readonly bodyLimitBytes: number,
  ) {}

  close(): void {
    this.plain.destroy();
    this.tls.destroy();
  }

  /**
   * One request and its answer, whatever its status.
   *
   * Errors: `NonRetryableError` for a host or address that isn't allowed; `RetryableError` while nothing was sent
   * (no such host, refused, no TLS); `UnknownOutcomeError` from then on; `result_too_large`.
   */
  call(call: HttpCall): Promise<HttpAnswer> {
    const { url, method, headers, body, signal } = call;
    const refused = this.allow.refuses(url) ?? this.refusesLiteral(url);
    if (refused !== undefined) return Promise.reject(new NonRetryableError(refused));
    return new Promise((done, fail) => {
      let connected = false;
      const failWith = (error: unknown) => {
        fail(this.meaning(call, error, connected));
      };
      const secure = url.protocol === 'https:';
      const options = {
        method,
        headers,
        signal,
        agent: secure ? this.tls : this.plain,
        lookup: this.lookupFor(url),
      };
      const answered = (message: IncomingMessage) => {
        this.read(message).then((received) => {
          done({ status: message.statusCode ?? 0, headers: headersOf(message), body: received });
        }, failWith);
      };
      let outgoing: ClientRequest;
      try {
        outgoing = (secure ? tlsRequest : plainRequest)(url, options, answered);
      } catch (error) {
        // a header that HTTP can't carry
        fail(
          new NonRetryableError(`${method} ${url.origin}${url.pathname}: ${text(error)}`, { cause: error }),
        );
        return;
      }
      outgoing.on('socket', (socket) => {
        // a socket that is kept from an earlier call is connected already
        if (outgoing.reusedSocket) connected = true;
        else socket.once(secure ? 'secureConnect' : 'connect', () => (connected = true));
      });
      outgoing.on('error', failWith);
      outgoing.end(body);
    });
  }

  private refusesLiteral(url: URL): string | undefined {
    const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
    // a literal address is connected to without a lookup
    return isIP(host) === 0 ? undefined : this.allow.refusesAddress(url, host);
  }

  /** Resolves a name to addresses that may be connected to: checked here, nothing can change between check and use. */
  private lookupFor(url: URL): LookupFunction {
    return (hostname, options, callback) => {
      resolve(hostname, { ...options, all: true }, (error, addresses: LookupAddress[]) => {
        if (error !== null) {
          callback(error, '');
          return;
        }
        const allowed = addresses.filter(
          ({ address }) => this.allow.refusesAddress(url, address) === undefined,
        );
        const [first] = allowed;
        if (first === undefined) {
          const why =
            this.allow.refusesAddress(url, addresses[0]?.address ?? '') ?? `${hostname} has no address`;
          callback(new NonRetryableError(why), '');
        } else if (options.all === true) callback(null, allowed);
        else callback(null, first.address, first.family);
      });
    };
  }

  private async read(message: IncomingMessage): Promise<Buffer> {
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of message as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > this.bodyLimitBytes) {
        message.destroy();
        throw new DormouseError(
          'result_too_large',
          `the answer's body is over ${this.bodyLimitBytes} bytes (DORMOUSE_RESULT_LIMIT)`,
          { details: { executed: true } },
        );
      }
      chunks.push(chunk);
    }
    return Buffer.concat(chunks);
  }

  private meaning({ method, url }: HttpCall, error: unknown, connected: boolean): Error {
    if (DormouseError.is(error)) return error;
    const what = `${method} ${url.origin}${url.pathname}`;
    if (connected)
      return new UnknownOutcomeError(
        `${what}: the connection was cut after the request was sent: ${text(error)}`,
        {
          cause: error,
        },
      );
    return new RetryableError(`${what}: nothing was sent: ${text(error)}`, { cause: error });
  }
}
