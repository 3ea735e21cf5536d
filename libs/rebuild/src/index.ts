export { type Folded, foldSession } from './fold.js';
export type { KnownIntent } from './known-intents.js';
export {
  rebuild,
  type RebuildOptions,
  type RebuildParts,
  type RebuildProgress,
  type RebuildReport,
} from './rebuild.js';
export type { FoldedStep } from './recorded-step.js';
export { type FoldedSession, restore } from './restore.js';
export { type LogRules, SessionLog } from './session-log.js';
