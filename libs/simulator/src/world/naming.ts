/*
 * What everything of a schedule is called on the wire.
 */

export const TOPICS = {
  intent: 'agent.intent',
  observation: 'agent.observation',
  deadLetter: 'agent.dead-letter',
};
/** `others`: programs of others, which serve external tools */
export const GROUPS = {
  commander: 'commander_group',
  dispatcher: 'dispatcher_group',
  others: 'others_group',
};
export const DEPLOYMENT = 'simulated';
export const TYPE_PREFIX = 'com.southwest.ai';
export const RESULT_LIMIT_BYTES = 1 << 20;
