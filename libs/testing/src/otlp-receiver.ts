import { createServer, type Server } from 'node:http';

/** A span as a collector gets it, in the JSON encoding of OTLP; an empty parent is left out. */
export interface ReceivedSpan {
  traceId: string;
  spanId: string;
  parentSpanId: string | undefined;
  name: string;
  /** ms since the epoch, whole */
  startMs: number;
  endMs: number;
  attributes: Record<string, unknown>;
  links: { traceId: string; spanId: string }[];
  failed: boolean;
  /** of the process that sent it */
  resource: Record<string, unknown>;
}

interface Attribute {
  key: string;
  value: Record<string, unknown>;
}
interface WireSpan {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  startTimeUnixNano: string;
  endTimeUnixNano: string;
  attributes?: Attribute[];
  links?: { traceId: string; spanId: string }[];
  status?: { code?: number };
}
interface WireBatch {
  resourceSpans: { resource?: { attributes?: Attribute[] }; scopeSpans: { spans: WireSpan[] }[] }[];
}

/** https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding: `{ intValue: 1 }`, `{ stringValue: 'a' }` … */
const attributesOf = (attributes: readonly Attribute[] = []): Record<string, unknown> =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));

const STATUS_ERROR = 2;
const msOf = (nanoseconds: string): number => Number(BigInt(nanoseconds) / 1_000_000n);

/** A collector that keeps what it gets: takes OTLP over HTTP, in JSON, on a port of its own. */
export class OtlpReceiver {
  readonly spans: ReceivedSpan[] = [];
  /** answered to every export; another than 200 keeps nothing */
  status = 200;
  private constructor(
    private readonly server: Server,
    readonly url: string,
  ) {}

  static async start(): Promise<OtlpReceiver> {
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        if (receiver.status === 200 && request.url === '/v1/traces')
          receiver.take(JSON.parse(Buffer.concat(chunks).toString()) as WireBatch);
        response.writeHead(request.url === '/v1/traces' ? receiver.status : 404, {
          'content-type': 'application/json',
        });
        response.end('{}');
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const receiver = new OtlpReceiver(server, `http://127.0.0.1:${port}`);
    return receiver;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private take(batch: WireBatch): void {
    for (const { resource, scopeSpans } of batch.resourceSpans) {
      const from = attributesOf(resource?.attributes);
      for (const span of scopeSpans.flatMap(({ spans }) => spans))
        this.spans.push({
          traceId: span.traceId,
          spanId: span.spanId,
          parentSpanId: span.parentSpanId === '' ? undefined : span.parentSpanId,
          name: span.name,
          startMs: msOf(span.startTimeUnixNano),
          endMs: msOf(span.endTimeUnixNano),
          attributes: attributesOf(span.attributes),
          links: span.links ?? [],
          failed: span.status?.code === STATUS_ERROR,
          resource: from,
        });
    }
  }
}
