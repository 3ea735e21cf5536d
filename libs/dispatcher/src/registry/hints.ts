import type { EffectClass } from '#contracts';

/** What a tool of the Model Context Protocol says about itself (specification 2025-06-18, ToolAnnotations). */
export interface ToolHints {
  readOnlyHint?: boolean;
  /** default true there */
  destructiveHint?: boolean;
  /** default false there */
  idempotentHint?: boolean;
}

/**
 * The effect class that such hints amount to. A hint that is missing is read the cautious way, and `destructiveHint:
 * false` alone gives no right to run a tool twice: adding something twice destroys nothing.
 */
export const effectOfHints = (hints: ToolHints): EffectClass => {
  if (hints.readOnlyHint === true) return 'pure';
  return hints.idempotentHint === true ? 'idempotent' : 'irreversible';
};
