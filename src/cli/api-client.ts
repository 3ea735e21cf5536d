import { randomUUID } from 'node:crypto';
import type {
  ApprovalRequest,
  CancelRequest,
  DeadLetterList,
  DeadLetterView,
  MessageRequest,
  Problem,
  RedriveAnswer,
  RedriveManyRequest,
  RedriveRequest,
  ResolutionRequest,
  SessionList,
  SessionView,
  Submission,
  Timeline,
  ToolList,
} from '#contracts';

/** The server answered with a problem. */
export class ApiProblem extends Error {
  override readonly name = 'ApiProblem';
  constructor(readonly problem: Problem) {
    super(`${problem.title}: ${problem.detail}`);
  }
}

/** No answer of a Dormouse came from there. */
export class Unreachable extends Error {
  override readonly name = 'Unreachable';
  constructor(url: string, cause: unknown) {
    const reason =
      cause instanceof Error ? ((cause.cause as Error | undefined)?.message ?? cause.message) : String(cause);
    super(
      `Expected a Dormouse server at ${url}; came: ${reason}.\nStart one with \`dormouse start\`, or say where it is with DORMOUSE_URL or --url.`,
      { cause },
    );
  }
}

const SUBMIT_ATTEMPTS = 4;
const SUBMIT_PAUSE_MS = 500;

interface Call {
  method?: 'POST';
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

/** The REST API, as the command line uses it. Errors: {@link ApiProblem}, {@link Unreachable} */
export class ApiClient {
  constructor(
    readonly url: string,
    private readonly tenant: string | undefined,
  ) {}

  /** The answer as it comes; a problem is raised. */
  async call(path: string, { method, body, headers, signal }: Call = {}): Promise<Response> {
    let response: Response;
    try {
      response = await fetch(this.url + path, {
        method: method ?? 'GET',
        headers: {
          ...(this.tenant === undefined ? {} : { 'dormouse-tenant': this.tenant }),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        ...(signal === undefined ? {} : { signal }),
      });
    } catch (error) {
      if (signal?.aborted === true) throw error;
      throw new Unreachable(this.url, error);
    }
    if (response.ok) return response;
    const text = await response.text();
    if (response.headers.get('content-type')?.startsWith('application/problem+json') === true)
      throw new ApiProblem(JSON.parse(text) as Problem);
    throw new Unreachable(this.url, new Error(`status ${response.status} without a problem document`));
  }

  private async json<T>(path: string, call?: Call): Promise<T> {
    return (await (await this.call(path, call)).json()) as T;
  }

  /** Repeats with the same key when it isn't known whether the session was accepted: at most one comes of it. */
  submit(submission: Submission, key: string): Promise<SessionView> {
    return this.insisting(() =>
      this.json('/v1/sessions', { method: 'POST', body: submission, headers: { 'idempotency-key': key } }),
    );
  }

  private async insisting<T>(call: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await call();
      } catch (error) {
        const unsure = error instanceof ApiProblem && [429, 503].includes(error.problem.status);
        if (!unsure || attempt === SUBMIT_ATTEMPTS) throw error;
        await new Promise((resolve) => setTimeout(resolve, SUBMIT_PAUSE_MS * attempt));
      }
    }
  }

  get(id: string): Promise<SessionView> {
    return this.json(`/v1/sessions/${encodeURIComponent(id)}`);
  }

  timeline(id: string): Promise<Timeline> {
    return this.json(`/v1/sessions/${encodeURIComponent(id)}/timeline`);
  }

  list(query: URLSearchParams): Promise<SessionList> {
    return this.json(`/v1/sessions?${query.toString()}`);
  }

  cancel(id: string, request: CancelRequest): Promise<SessionView> {
    return this.json(`/v1/sessions/${encodeURIComponent(id)}/cancel`, { method: 'POST', body: request });
  }

  resolve(id: string, intent: string, request: ResolutionRequest): Promise<SessionView> {
    return this.answer(
      `/v1/sessions/${encodeURIComponent(id)}/resolutions/${encodeURIComponent(intent)}`,
      request,
    );
  }

  message(id: string, request: MessageRequest): Promise<SessionView> {
    return this.answer(`/v1/sessions/${encodeURIComponent(id)}/messages`, request);
  }

  approve(id: string, intent: string, request: ApprovalRequest): Promise<SessionView> {
    return this.answer(
      `/v1/sessions/${encodeURIComponent(id)}/approvals/${encodeURIComponent(intent)}`,
      request,
    );
  }

  /** Under a key of its own, so that it can be repeated when it isn't known whether it was accepted. */
  private answer(path: string, body: object): Promise<SessionView> {
    const headers = { 'idempotency-key': randomUUID() };
    return this.insisting(() => this.json(path, { method: 'POST', body, headers }));
  }

  tools(): Promise<ToolList> {
    return this.json('/v1/tools');
  }

  deadLetters(query: URLSearchParams): Promise<DeadLetterList> {
    return this.json(`/v1/dead-letters?${query.toString()}`);
  }

  deadLetter(id: string): Promise<DeadLetterView> {
    return this.json(`/v1/dead-letters/${encodeURIComponent(id)}`);
  }

  redrive(id: string, request: RedriveRequest): Promise<DeadLetterView> {
    return this.json(`/v1/dead-letters/${encodeURIComponent(id)}/redrive`, { method: 'POST', body: request });
  }

  redriveAll(request: RedriveManyRequest): Promise<RedriveAnswer> {
    return this.json('/v1/dead-letters/redrive', { method: 'POST', body: request });
  }
}
