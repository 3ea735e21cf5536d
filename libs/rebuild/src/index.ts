export { type Folded, foldSession, type UnansweredIntent } from './fold.js';
export type { FoldedStep } from './recorded-step.js';
export { type LogRules, SessionLog } from './session-log.js';
