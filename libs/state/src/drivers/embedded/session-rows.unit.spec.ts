import { describe, expect, it } from '@jest/globals';
import { type PendingIntent, RECORD_VERSION, type Snapshot } from '#contracts';
import {
  decodeHeadLine,
  decodePending,
  decodeSnapshot,
  decodeStep,
  encodeFixed,
  encodeHead,
  encodeStep,
  stepSeq,
  stepToken,
} from './session-rows.js';

const intent = (intent_id: string, digest: string): PendingIntent => ({
  intent_id,
  tool: 't',
  parameters: {},
  digest,
  effect: 'pure',
  step: 1,
  emitted_at: 1,
  deadline_at: 2,
});
const snapshot = (change: Partial<Snapshot> = {}): Snapshot => ({
  v: RECORD_VERSION,
  session_id: 's',
  version: 7,
  fixed: {
    tenant: 'x',
    submission: { input: 'line 1\nline 2' },
    brain: 'openai',
    trace_id: 't',
    created_at: 5,
  },
  status: 'waiting_tool',
  step: 3,
  pending: [],
  outbox: { commit: null, intent_ids: [], out: true },
  applied: [],
  usage: { steps: 0, tool_calls: 0, input_tokens: 0, output_tokens: 0 },
  timeline_seq: 4,
  history_n: 2,
  updated_at: 9,
  ...change,
});

describe('a head', () => {
  it('tells of each pending intent without being parsed, and of no other', () => {
    const head = encodeHead(
      snapshot({ pending: [intent('s.1.1', 'd1'), intent('s.1.10', 'd2'), intent('odd = id\n', 'a b\n')] }),
      null,
    );
    expect(decodePending(head, 's.1.1')).toEqual({ digest: 'd1', cancelRequested: false });
    expect(decodePending(head, 's.1.10')).toEqual({ digest: 'd2', cancelRequested: false });
    expect(decodePending(head, 'odd = id\n')).toEqual({ digest: 'a b\n', cancelRequested: false });
    for (const other of ['s.1', '.1.1', '1.1', '', 's.1.100', 'd1'])
      expect(decodePending(head, other)).toBeNull();
  });

  it('tells that a cancel was requested', () => {
    const cancel_requested = { compensate: true, at: 1 };
    const head = encodeHead(snapshot({ pending: [intent('i', 'd')], cancel_requested }), 5);
    expect(decodePending(head, 'i')).toEqual({ digest: 'd', cancelRequested: true });
  });

  it('comes back whole', () => {
    const whole = snapshot({ pending: [intent('i', 'd')], brain_state: { text: 'a\nb' } });
    expect(decodeSnapshot(encodeHead(whole, 77), encodeFixed(whole.fixed))).toEqual(whole);
    const line = { v: RECORD_VERSION, version: 7, status: 'waiting_tool', updatedAt: 9 };
    expect(decodeHeadLine(encodeHead(whole, 77))).toEqual({ ...line, ownAt: 77 });
    expect(decodeHeadLine(encodeHead(whole, null))).toEqual({ ...line, ownAt: null });
  });

  it('of a release that said nothing of its next wake-up is read', () => {
    const text = encodeHead(snapshot(), 77).replace(' 77\n', '\n');
    expect(decodeHeadLine(text).ownAt).toBeNull();
    expect(decodePending(text, 'i')).toBeNull();
  });

  it('of a later release is refused', () => {
    const later = encodeHead(snapshot({ v: RECORD_VERSION + 1 }), null);
    expect(() => decodeHeadLine(later)).toThrow('run the release');
    expect(() => decodeSnapshot(later, encodeFixed(snapshot().fixed))).toThrow('run the release');
  });
});

describe('a step', () => {
  it('tells seq and token without being parsed', () => {
    const text = encodeStep(42, 'boot:1 x\ny', [], []);
    expect([stepSeq(text), stepToken(text), stepToken(encodeStep(1, '', [], []))]).toEqual([
      42,
      'boot:1 x\ny',
      '',
    ]);
    expect(decodeStep(text)).toEqual({ v: RECORD_VERSION, timeline: [], history: [] });
  });
});
