export type {
  AnsweredCall,
  Brain,
  Call,
  Closing,
  Conclusion,
  Decision,
  Finish,
  ThinkContext,
} from './brain.js';
export { Brains } from './brains/brains.js';
export { type Ambient, EMPTY_ANSWERS, OpenAiBrain } from './brains/openai/openai.brain.js';
export type { ChatRequest } from './brains/openai/chat.js';
export type { ModelClient } from './brains/openai/openai.client.js';
export {
  DEFAULT_PATIENCE,
  type OpenAiOptions,
  type Patience,
  type Trouble,
} from './brains/openai/openai.options.js';
export { PlanBrain } from './brains/plan/plan.brain.js';
export { type PlanReport, type PlanRules, validatePlan } from './brains/plan/validate-plan.js';
export { CommanderFigures } from './commander.figures.js';
export { CommanderModule, SessionsModule } from './commander.module.js';
export { COMMANDER_OPTIONS, type CommanderOptions } from './commander.options.js';
export { type CommanderCounts, CommanderService } from './commander.service.js';
export { requestCancel } from './core/cancel.js';
export { newSession, type NewSession } from './core/create.js';
export type { ReadyCall, ReadyConclusion, ReadyDecision } from './core/decision.js';
export type { Effects, IgnoreReason, Next, Transition } from './core/effects.js';
export type { Input, Observation, SealedIntent } from './core/input.js';
export { cancelId, cancelOutstanding, nextWake } from './core/next-wake.js';
export { letterOf } from './dead-letters/letter-of.js';
export { readObservation, type ReadingRules, sessionIdOf } from './interpreter/observation.js';
export { DeadLetters, type RedriveFilter, type RedriveOrder } from './dead-letters/dead-letters.service.js';
export { transition } from './session.machine.js';
export { Inbox, type SendContext } from './sessions/inbox.service.js';
export type { Caller } from './sessions/request-span.js';
export { type CancelContext, Sessions, type SubmitContext } from './sessions/sessions.service.js';
export { sessionView } from './sessions/session-view.js';
export { ThinkingSessions } from './thinking-sessions.js';
