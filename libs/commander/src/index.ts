export type { AnsweredCall, Brain, Call, Decision, Finish, ThinkContext } from './brain.js';
export { type Ambient, EMPTY_ANSWERS, OpenAiBrain } from './brains/openai/openai.brain.js';
export {
  DEFAULT_PATIENCE,
  type OpenAiOptions,
  type Patience,
  type Trouble,
} from './brains/openai/openai.options.js';
