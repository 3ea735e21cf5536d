import type { StuckView } from '#contracts';
import { plain, table } from './table.js';
import type { Terminal } from './terminal.js';

/** What a parked session stands still for, and how a person settles it. */
export const tellStuck = (stuck: readonly StuckView[], terminal: Terminal): string => {
  const rows = stuck.map((s) => [
    s.compensates === undefined ? s.tool_name : `${s.tool_name} (undoes ${s.compensates})`,
    s.status,
    JSON.stringify(s.parameters),
    s.error?.message ?? '',
  ]);
  const columns = [{ title: 'stuck' }, { title: 'ended' }, { title: 'parameters' }, { title: 'why' }];
  const [first] = stuck;
  const how =
    first === undefined
      ? ''
      : `\nsettle: dormouse resolve ${plain(first.intent_id.replace(/\.\d+\.\d+$/, ''))} ${plain(first.intent_id)} succeeded|failed|retry --reason …`;
  return `${table(columns, rows, terminal.columns)}${how}`;
};
