import { EVENT_NAMES, type EventName } from './events.js';

/** What each event tells, for who reads the descriptions that are made of the schemas. */
export const EVENT_SUMMARIES: Readonly<Record<EventName, string>> = {
  [EVENT_NAMES.toolCall]:
    'A session wants a tool to be run. The event id is the idempotency key; a dispatcher needs `session_id`, `tool_name` and `parameters` alone.',
  [EVENT_NAMES.stepCommitted]: 'What a step decided that published no intent. Dispatchers skip it.',
  [EVENT_NAMES.toolResult]:
    "A tool's end. The event id is the intent's with `.result` behind it; a worker of others should name the `intent_id`.",
  [EVENT_NAMES.sessionCreated]: 'A session was accepted: the whole body of its submission.',
  [EVENT_NAMES.userMessage]: 'A person wrote to a session.',
  [EVENT_NAMES.resolution]: 'A person settled an intent that only a person can settle.',
  [EVENT_NAMES.approval]: 'A person answered whether an intent may be run.',
  [EVENT_NAMES.timer]: 'A timer of the session is due.',
  [EVENT_NAMES.cancel]: 'A session is to be cancelled.',
  [EVENT_NAMES.deadLetter]: 'A record of the session is among the dead letters.',
  [EVENT_NAMES.redriven]: 'A dead letter of the session was published again.',
};
