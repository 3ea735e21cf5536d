/** How long the brain keeps asking before it lets the step rest. All times in milliseconds. */
export interface Patience {
  /** requests of one think, the first included */
  maxAttempts: number;
  /** the first wait of our own; the next ones grow by `factor`. A wait that the server names replaces it */
  initialMs: number;
  factor: number;
  /** the longest wait inside a think; when the server asks for more, the think ends and is repeated later */
  maxWaitMs: number;
  /** no request of a think begins later than this after its first */
  totalMs: number;
  /** one request, from its first byte sent to its last byte read */
  requestMs: number;
  /** troubles of one step that last longer than this end the session `failed`; until then the step is thought again */
  giveUpAfterMs: number;
}

export const DEFAULT_PATIENCE: Patience = {
  maxAttempts: 5,
  initialMs: 500,
  factor: 2,
  // rate limits are counted per minute: a wait of up to one is worth staying for
  maxWaitMs: 60_000,
  totalMs: 120_000,
  // Node's fetch gives up on a silent server after as long
  requestMs: 300_000,
  giveUpAfterMs: 3_600_000,
};

/** A request that failed and what follows from it, for the log. */
export interface Trouble {
  session_id: string;
  model: string;
  /** 1 for the first request of the think */
  attempt: number;
  message: string;
  /** milliseconds until the next request; null: this think asks no more */
  wait_ms: number | null;
}

/** Settings of the `openai` brain. It reads no environment: whoever makes it hands them over. */
export interface OpenAiOptions {
  /** sent as bearer token; optional when `baseUrl` is given, and then no Authorization header is sent */
  apiKey?: string;
  /** of any server that speaks the Chat Completions API, with its version (`http://127.0.0.1:8080/v1`); default: OpenAI's own */
  baseUrl?: string;
  /** for submissions that name no model */
  model?: string;
  patience?: Partial<Patience>;
  /** told of every request that failed */
  onTrouble?: (trouble: Trouble) => void;
}
