import type OpenAI from 'openai';
import type { ChatRequest } from './chat.js';
import type { OpenAiOptions } from './openai.options.js';

/** Asks a model's server once; `faultOf` reads what it throws. */
export interface ModelClient {
  /** The body of the answer, whatever it is. Ends when `signal` is aborted, or after `timeoutMs`. */
  complete(request: ChatRequest, signal: AbortSignal, timeoutMs: number): Promise<unknown>;
}

/**
 * One request over the official SDK; what it throws is read by `faultOf`. The SDK is loaded with the first request:
 * it takes more time to load than a process has to complete its first session.
 */
export class OpenAiClient implements ModelClient {
  #sdk: Promise<OpenAI> | undefined;

  constructor(private readonly options: OpenAiOptions) {}

  /**
   * The body of the answer, whatever it is. Ends when `signal` is aborted, or after `timeoutMs`: the SDK's own timeout
   * covers the headers alone, and a server that falls silent in the middle of a body would be waited for.
   */
  async complete(request: ChatRequest, signal: AbortSignal, timeoutMs: number): Promise<unknown> {
    const sdk = await this.#load();
    const abort = new AbortController();
    const follow = () => abort.abort();
    const timeout = new Error(`no complete answer within ${timeoutMs} ms`);
    const timer = setTimeout(() => abort.abort(timeout), timeoutMs);
    signal.addEventListener('abort', follow, { once: true });
    try {
      signal.throwIfAborted();
      return await sdk.chat.completions.create(request, { signal: abort.signal, timeout: timeoutMs });
    } catch (error) {
      throw abort.signal.reason === timeout ? timeout : error;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', follow);
    }
  }

  async #load(): Promise<OpenAI> {
    this.#sdk ??= import('openai').then(({ OpenAI: Sdk }) => new Sdk(clientOptions(this.options)));
    return this.#sdk;
  }
}

/**
 * The SDK reads the environment for whatever it isn't told, so it is told everything: the settings are ours alone. (Only
 * OPENAI_CUSTOM_HEADERS it adds in any case.)
 */
const clientOptions = ({ apiKey, baseUrl }: OpenAiOptions): ConstructorParameters<typeof OpenAI>[0] => ({
  // it refuses to start without a key; the header is taken out again below
  apiKey: apiKey ?? 'none',
  ...(apiKey === undefined ? { defaultHeaders: { Authorization: null } } : {}),
  baseURL: baseUrl ?? 'https://api.openai.com/v1',
  adminAPIKey: null,
  organization: null,
  project: null,
  webhookSecret: null,
  logLevel: 'off',
  // retries are decided in one place: next-wait.ts
  maxRetries: 0,
});
