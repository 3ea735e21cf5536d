import { type Json, NonRetryableError, RetryableError, retryAfterMs, UnknownOutcomeError } from '#contracts';
import type { ToolContext, ToolDefinition } from '../../registry/tool.definition.js';
import { AllowList } from './allow.list.js';
import { type HttpAnswer, HttpExchange } from './http.exchange.js';

const METHODS = ['GET', 'HEAD', 'PUT', 'DELETE', 'POST', 'PATCH'] as const;

export interface HttpParameters {
  method: (typeof METHODS)[number];
  url: string;
  headers?: Record<string, string>;
  /** text as it is, anything else as JSON */
  body?: Json;
  /** a POST or PATCH whose server knows a repetition by its Idempotency-Key */
  idempotent?: boolean;
}

const MOST_REDIRECTS = 5;
/** How much of an error's body is told: enough for a reason, too little for a page. */
const TOLD_CHARS = 2_000;
/** They describe the connection or are ours to set. */
const RESERVED = new Set([
  'host',
  'connection',
  'content-length',
  'transfer-encoding',
  'upgrade',
  'expect',
  'keep-alive',
  'te',
  'trailer',
  'idempotency-key',
  'traceparent',
]);

const readUrl = (text: string): URL => {
  if (!URL.canParse(text))
    throw new NonRetryableError(`url: expected an absolute URL, got ${JSON.stringify(text)}`);
  const url = new URL(text);
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw new NonRetryableError(`url: expected http: or https:, got ${url.protocol}`);
  if (url.username !== '' || url.password !== '')
    throw new NonRetryableError(
      'url: expected no user name and password in it; send an Authorization header',
    );
  return url;
};

const headersFor = (parameters: HttpParameters, context: ToolContext): Record<string, string> => {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(parameters.headers ?? {})) {
    if (RESERVED.has(name.toLowerCase())) continue;
    headers[name.toLowerCase()] = value;
  }
  if (parameters.body !== undefined && typeof parameters.body !== 'string')
    headers['content-type'] ??= 'application/json';
  headers['idempotency-key'] = context.idempotencyKey;
  headers.traceparent = context.traceparent;
  return headers;
};

const bodyOf = ({ headers, body }: HttpAnswer): Json => {
  if (body.length === 0) return null;
  const type = headers['content-type'] ?? '';
  const text = body.toString('utf8');
  if (/[/+]json\b/i.test(type)) {
    try {
      return JSON.parse(text) as Json;
    } catch {
      return text; // it says JSON and isn't: told as it came
    }
  }
  return /^(image|audio|video|font)\/|octet-stream|zip|pdf/i.test(type) ? body.toString('base64') : text;
};

const told = (answer: HttpAnswer): Json => {
  const body = bodyOf(answer);
  const short = typeof body === 'string' ? body.slice(0, TOLD_CHARS) : body;
  const fits = JSON.stringify(short).length <= 2 * TOLD_CHARS;
  return { status: answer.status, body: fits ? short : JSON.stringify(short).slice(0, TOLD_CHARS) };
};

/** How long the server asks to be left alone (RFC 9110, 10.2.3). */
const pauseOf = ({ headers }: HttpAnswer): { afterMs?: number } => {
  const afterMs = retryAfterMs({ get: (name) => headers[name] ?? null }, Date.now());
  return afterMs === undefined ? {} : { afterMs };
};

/** Where an answer sends the request, if it is to be followed: a GET is; another method only where it wasn't served. */
const redirection = (
  parameters: HttpParameters,
  url: URL,
  { status, headers }: HttpAnswer,
): URL | undefined => {
  const { location } = headers;
  if (location === undefined || location === '' || !URL.canParse(location, url.href)) return undefined;
  const read = parameters.method === 'GET' || parameters.method === 'HEAD';
  const follows =
    status === 307 || status === 308 || (read && (status === 301 || status === 302 || status === 303));
  return follows ? readUrl(new URL(location, url).href) : undefined;
};

/** The `http_request` tool, and the end of the connections that it keeps. */
export const httpRequestTool = (options: {
  allow: readonly string[];
  bodyLimitBytes: number;
}): { definition: ToolDefinition<HttpParameters>; close: () => void } => {
  const exchange = new HttpExchange(new AllowList(options.allow), options.bodyLimitBytes);

  const run = async (parameters: HttpParameters, context: ToolContext): Promise<Json> => {
    let url = readUrl(parameters.url);
    const headers = headersFor(parameters, context);
    const { method, body: given } = parameters;
    const body = given === undefined ? undefined : typeof given === 'string' ? given : JSON.stringify(given);
    for (let redirects = 0; ; redirects++) {
      const answer = await exchange.call({ method, url, headers, body, signal: context.signal });
      const next = redirection(parameters, url, answer);
      if (next !== undefined) {
        if (redirects >= MOST_REDIRECTS)
          throw new NonRetryableError(
            `${method} ${url.origin}${url.pathname}: more than ${MOST_REDIRECTS} redirects`,
          );
        // credentials are for the host that they were given for
        if (next.origin !== url.origin) {
          delete headers.authorization;
          delete headers.cookie;
        }
        url = next;
        continue;
      }
      const what = `${method} ${url.origin}${url.pathname}: ${answer.status}`;
      const pause = pauseOf(answer);
      if (answer.status >= 500)
        throw new UnknownOutcomeError(`${what}: the server failed; it may have been done`, {
          details: told(answer),
          ...pause,
        });
      if (answer.status === 429)
        throw new RetryableError(
          `${what}: the server takes no more requests for now; it did not serve this one`,
          {
            details: told(answer),
            ...pause,
          },
        );
      if (answer.status >= 400)
        throw new NonRetryableError(`${what}: the server refused it`, { details: told(answer) });
      return { status: answer.status, headers: answer.headers, body: bodyOf(answer) };
    }
  };

  return {
    close: () => exchange.close(),
    definition: {
      name: 'http_request',
      description:
        'Sends an HTTP request to an allowed host and returns { status, headers, body }; JSON bodies are parsed.',
      parameters: {
        type: 'object',
        properties: {
          method: { type: 'string', enum: [...METHODS] },
          url: { type: 'string', description: 'absolute, http or https' },
          headers: { type: 'object', additionalProperties: { type: 'string' } },
          body: { description: 'text as it is, anything else as JSON' },
          idempotent: {
            type: 'boolean',
            description: 'the server knows a repeated POST or PATCH by its Idempotency-Key header',
          },
        },
        required: ['method', 'url'],
        additionalProperties: false,
      },
      effect: ({ method, idempotent }) => {
        if (method === 'GET' || method === 'HEAD') return 'pure';
        if (method === 'PUT' || method === 'DELETE' || idempotent === true) return 'idempotent';
        return 'irreversible';
      },
      run,
    },
  };
};
