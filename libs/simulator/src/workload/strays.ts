import { buildEvent, EVENT_NAMES, type EventContext, eventType } from '#contracts';
import { encodeEvent, type OutboundRecord, STRUCTURED_CONTENT_TYPE } from '#transport';
import { DEPLOYMENT, TOPICS, TYPE_PREFIX } from '../world/naming.js';

/**
 * What is in the topics beside the sessions of a schedule: no event at all; a program of others asks for a tool, or tells
 * of a session that isn't ours; a copy from before a session that has expired.
 */
export const STRAY_KINDS = ['garbage', 'foreign_intent', 'foreign_observation', 'expired_intent'] as const;
export type StrayKind = (typeof STRAY_KINDS)[number];

export interface Stray {
  kind: StrayKind;
  atMs: number;
  /** copies of it */
  times: number;
}

/** Ids of the intents that programs of others publish begin with it. */
export const FOREIGN = 'evt-';
const ACTS = [{ ms: 30, ends: 'ok', does: 10 }];
const context: EventContext = {
  source: '/commander/gone',
  typePrefix: TYPE_PREFIX,
  deployment: DEPLOYMENT,
};

const structured = (topic: string, key: string, event: object): OutboundRecord => ({
  topic,
  key,
  value: Buffer.from(JSON.stringify({ specversion: '1.0', source: '/others', ...event })),
  headers: { 'content-type': STRUCTURED_CONTENT_TYPE },
});

export const strayRecord = (kind: StrayKind, number: number): OutboundRecord => {
  switch (kind) {
    case 'garbage':
      return {
        topic: number % 2 === 0 ? TOPICS.intent : TOPICS.observation,
        key: `garbage-${number}`,
        value: Buffer.from('{"what is'),
      };
    case 'foreign_intent':
      return structured(TOPICS.intent, `theirs-${number}`, {
        id: `${FOREIGN}${number}`,
        type: eventType(TYPE_PREFIX, EVENT_NAMES.toolCall),
        data: { session_id: `theirs-${number}`, tool_name: 'send', parameters: { acts: ACTS } },
      });
    case 'foreign_observation':
      return structured(TOPICS.observation, `theirs-${number}`, {
        id: `${FOREIGN}${number}.result`,
        type: eventType(TYPE_PREFIX, EVENT_NAMES.toolResult),
        data: { session_id: `theirs-${number}`, status: 'succeeded', result: 1 },
      });
    case 'expired_intent': {
      const sessionId = `sess-expired-${number}`;
      return encodeEvent(
        TOPICS.intent,
        buildEvent(context, {
          name: EVENT_NAMES.toolCall,
          id: `${sessionId}.1.0`,
          sessionId,
          tenant: 'default',
          traceId: '0'.repeat(31) + '1',
          atMs: 0,
          data: { session_id: sessionId, tool_name: 'send', parameters: { acts: ACTS } },
        }),
      );
    }
  }
};
