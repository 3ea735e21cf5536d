import type { PendingView } from '#contracts';
import { plain, table } from './table.js';
import type { Terminal } from './terminal.js';
import { utcTime } from './utc-time.js';

/** The calls that wait for a person, and how they are answered; undefined when there are none. */
export const tellHeld = (pending: readonly PendingView[], terminal: Terminal): string | undefined => {
  const held = pending.filter(({ waits_for }) => waits_for === 'approval');
  const [first] = held;
  if (first === undefined) return undefined;
  const columns = [
    { title: 'waits for approval' },
    { title: 'since' },
    { title: 'parameters' },
    { title: 'intent' },
  ];
  const rows = held.map((p) => [
    p.tool_name,
    utcTime(p.since),
    JSON.stringify(p.parameters ?? {}),
    p.intent_id,
  ]);
  const id = plain(first.intent_id.replace(/\.\d+\.\d+$/, ''));
  return `${table(columns, rows, terminal.columns)}\nanswer: dormouse approve|reject ${id} ${plain(first.intent_id)}`;
};
