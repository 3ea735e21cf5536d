import { describe, expect, it } from '@jest/globals';
import { deserialize, serialize } from 'node:v8';
import { buildEvent, EVENT_NAMES } from '#contracts';
import { encodeEvent, type LogRecord } from '#transport';
import { outboundOnWire, recordOnWire } from './wire.js';

const sent = encodeEvent(
  'topic',
  buildEvent(
    { source: '/commander/a', typePrefix: 'com.southwest.ai', deployment: 'dormouse' },
    {
      name: EVENT_NAMES.cancel,
      id: 'sess-a.cancel',
      sessionId: 'sess-a',
      tenant: 'default',
      traceId: '0af7651916cd43dd8448eb211c80319c',
      atMs: 0,
      data: { session_id: 'sess-a', reason: 'Zürich ✈' },
    },
  ),
);
/** What comes out at the other end of the channel between two processes. */
const across = <T>(value: T): T => deserialize(serialize(value)) as T;

describe('between a process and its child', () => {
  it('a record that is written keeps its bytes', () => {
    const { topic, key, value, headers } = across(outboundOnWire(sent));
    expect({ topic, key, headers, text: value.toString() }).toEqual({
      topic: 'topic',
      key: 'sess-a',
      headers: sent.headers,
      text: sent.value.toString(),
    });
  });

  it('a record that is read keeps its bytes, also where they are made when they are asked for', () => {
    const headers = { 'content-type': 'text/plain' };
    const fields = { topic: 'topic', partition: 1, offset: 7, key: 'sess-a', headers, timestampMs: 12 };
    class Made {
      get value(): Buffer {
        return Buffer.from('Zürich');
      }
    }
    const made: LogRecord = Object.assign(new Made(), fields);
    const { value, ...rest } = across(recordOnWire(made));
    expect({ ...rest, text: value?.toString() }).toEqual({ ...fields, text: 'Zürich' });
  });
});
