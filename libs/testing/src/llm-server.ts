import { randomUUID } from 'node:crypto';
import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { requestFault } from './llm-request.js';

/** A message as it was sent, for assertions. */
export interface SentMessage {
  role: string;
  content?: string | null;
  tool_call_id?: string;
  tool_calls?: { id: string; type: string; function: { name: string; arguments: string } }[];
  [field: string]: unknown;
}

export interface LlmRequest {
  path: string;
  headers: IncomingMessage['headers'];
  body: {
    model: string;
    messages: SentMessage[];
    tools?: { type: string; function: { name: string; description?: string; parameters?: unknown } }[];
    [field: string]: unknown;
  };
  /** HTTP status of the answer; 0 while there is none, or when it broke off */
  status: number;
}

export interface ScriptedCall {
  tool: string;
  /** an object, or text sent verbatim (which may be no JSON) */
  arguments: object | string;
  /** default: a fresh one */
  id?: string;
  [field: string]: unknown;
}

/** What the model, or a fault, does with one request. */
export type LlmTurn =
  | { do: 'say'; text: string; finish?: string; usage?: LlmUsage }
  | { do: 'call'; calls: ScriptedCall[]; text?: string; finish?: string; usage?: LlmUsage; message?: object }
  | { do: 'refuse'; text: string; usage?: LlmUsage }
  /** an error answer, as the API words it */
  | { do: 'fail'; status: number; headers?: Record<string, string>; error?: object }
  /** an answer sent as it is */
  | { do: 'raw'; status?: number; headers?: Record<string, string>; body: string }
  /** the connection ends: before the headers, or in the middle of the body */
  | { do: 'cut'; at: 'once' | 'body' }
  /** headers and half a body, then nothing; ends with the server or the client */
  | { do: 'stall' }
  /** takes the request and answers when `until` resolves */
  | { do: 'wait'; until: Promise<unknown>; then: LlmTurn };

export interface LlmUsage {
  prompt_tokens: number;
  completion_tokens: number;
}

export interface LlmServer {
  /** for OPENAI_BASE_URL */
  readonly baseUrl: string;
  /** every request so far, the refused ones too */
  readonly requests: LlmRequest[];
  /** The next requests get these turns, one each. */
  script(...turns: LlmTurn[]): void;
  /** What a request gets when the script is used up; without it a 400 that says so. */
  otherwise(turn: LlmTurn | ((request: LlmRequest) => LlmTurn)): void;
  close(): Promise<void>;
}

/**
 * A server that speaks the Chat Completions API, with a script in place of a model. It refuses what the real one refuses
 * (see {@link requestFault}); `apiKey`: requests with another one get a 401 that quotes it.
 */
export const startLlmServer = async (options: { apiKey?: string } = {}): Promise<LlmServer> => {
  const requests: LlmRequest[] = [];
  const turns: LlmTurn[] = [];
  let fallback: LlmTurn | ((request: LlmRequest) => LlmTurn) = {
    do: 'fail',
    status: 400,
    error: { message: 'the script of this test is over' },
  };

  const answer = async (request: LlmRequest, response: ServerResponse): Promise<void> => {
    const { authorization } = request.headers;
    if (options.apiKey !== undefined && authorization !== `Bearer ${options.apiKey}`) {
      const message = `Incorrect API key provided: ${(authorization ?? '').replace('Bearer ', '')}`;
      return perform(
        { do: 'fail', status: 401, error: { message, code: 'invalid_api_key' } },
        request,
        response,
      );
    }
    if (request.path !== '/v1/chat/completions') {
      return perform(
        { do: 'fail', status: 404, error: { message: `Invalid URL (${request.path})` } },
        request,
        response,
      );
    }
    const refused = requestFault(request.body);
    if (refused !== undefined) return perform({ do: 'fail', status: 400, error: refused }, request, response);
    const turn = turns.shift() ?? (typeof fallback === 'function' ? fallback(request) : fallback);
    return perform(turn, request, response);
  };

  const server = createServer((incoming, response) => {
    void readBody(incoming).then(async (body) => {
      const request: LlmRequest = {
        path: incoming.url ?? '',
        headers: incoming.headers,
        body: body as LlmRequest['body'],
        status: 0,
      };
      requests.push(request);
      await answer(request, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    requests,
    script: (...next) => void turns.push(...next),
    otherwise: (turn) => void (fallback = turn),
    close: () => close(server),
  };
};

const readBody = async (incoming: IncomingMessage): Promise<unknown> => {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  try {
    return JSON.parse(Buffer.concat(chunks).toString());
  } catch {
    return undefined;
  }
};

const close = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });

const perform = async (turn: LlmTurn, request: LlmRequest, response: ServerResponse): Promise<void> => {
  const send = (status: number, headers: Record<string, string>, body: string): void => {
    request.status = status;
    response.writeHead(status, {
      'content-type': 'application/json',
      'x-request-id': randomUUID(),
      ...headers,
    });
    response.end(body);
  };
  const complete = (message: object, finish: string): void =>
    send(200, {}, completion(request, message, finish, 'usage' in turn ? turn.usage : undefined));
  switch (turn.do) {
    case 'say':
      complete({ content: turn.text }, turn.finish ?? 'stop');
      break;
    case 'refuse':
      complete({ refusal: turn.text }, 'stop');
      break;
    case 'call': {
      const message = { content: turn.text ?? null, tool_calls: turn.calls.map(toolCall), ...turn.message };
      complete(message, turn.finish ?? 'tool_calls');
      break;
    }
    case 'fail': {
      const error = {
        message: `scripted ${turn.status}`,
        type: 'error',
        param: null,
        code: null,
        ...turn.error,
      };
      send(turn.status, turn.headers ?? {}, JSON.stringify({ error }));
      break;
    }
    case 'raw':
      send(turn.status ?? 200, turn.headers ?? {}, turn.body);
      break;
    case 'cut':
      if (turn.at === 'once') response.destroy();
      else half(response, () => void response.destroy());
      break;
    case 'stall':
      half(response, () => undefined);
      break;
    case 'wait':
      await turn.until;
      await perform(turn.then, request, response);
  }
};

/** The first half of an answer, which promises more; `then` runs when it is on its way. */
const half = (response: ServerResponse, then: () => void): void => {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
  response.write('{"id":"chatcmpl-1","choices":[{"message":{"role":"assistant","content":"hal', then);
};

const toolCall = ({ tool, arguments: given, id, ...rest }: ScriptedCall): object => ({
  id: id ?? `call_${randomUUID().replaceAll('-', '').slice(0, 24)}`,
  type: 'function',
  function: { name: tool, arguments: typeof given === 'string' ? given : JSON.stringify(given) },
  ...rest,
});

const completion = (request: LlmRequest, message: object, finish: string, usage?: LlmUsage): string => {
  const tokens = usage ?? { prompt_tokens: 10, completion_tokens: 5 };
  return JSON.stringify({
    id: `chatcmpl-${randomUUID()}`,
    object: 'chat.completion',
    created: Math.floor(Date.now() / 1000),
    model: request.body.model,
    choices: [
      {
        index: 0,
        logprobs: null,
        finish_reason: finish,
        message: { role: 'assistant', content: null, refusal: null, ...message },
      },
    ],
    usage: { ...tokens, total_tokens: tokens.prompt_tokens + tokens.completion_tokens },
  });
};
