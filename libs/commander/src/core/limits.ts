import { DEFAULT_STEP_LIMIT, type ErrorData, type Snapshot } from '#contracts';

const over = (code: string, what: string, limit: number): ErrorData => ({
  code,
  message: `The session may use ${limit} ${what} and wanted more. Submit it with a higher limit.`,
  retryable: false,
  details: { limit },
});

/** How often the brain may decide: a plan as often as it needs, unless the submission says otherwise. */
const stepLimit = ({ fixed }: Snapshot): number =>
  fixed.submission.limits?.steps ?? (fixed.submission.plan === undefined ? DEFAULT_STEP_LIMIT : Infinity);

const tokens = ({ usage }: Snapshot): number => usage.input_tokens + usage.output_tokens;

/** Why the brain may not be asked again; undefined when it may. */
export const exhausted = (snapshot: Snapshot): ErrorData | undefined => {
  const steps = stepLimit(snapshot);
  if (snapshot.usage.steps >= steps) return over('step_limit', 'steps', steps);
  const limit = snapshot.fixed.submission.limits?.tokens;
  return limit !== undefined && tokens(snapshot) >= limit ? over('token_limit', 'tokens', limit) : undefined;
};

/** Why `calls` more calls may not be emitted; the usage of the think that wants them is counted already. */
export const overspent = (snapshot: Snapshot, calls: number): ErrorData | undefined => {
  const limits = snapshot.fixed.submission.limits;
  if (limits?.tokens !== undefined && tokens(snapshot) > limits.tokens)
    return over('token_limit', 'tokens', limits.tokens);
  if (limits?.tool_calls !== undefined && snapshot.usage.tool_calls + calls > limits.tool_calls)
    return over('tool_call_limit', 'tool calls', limits.tool_calls);
  return undefined;
};
