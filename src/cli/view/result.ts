import type { Json, SessionView } from '#contracts';
import { table } from './table.js';
import { styled, type Terminal } from './terminal.js';

interface Rows {
  columns: string[];
  rows: Json[][];
  truncated?: boolean;
}

/** Whether a result looks like what a query answers. */
const isRows = (value: Json): value is Json & Rows => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const { columns, rows } = value;
  return (
    Array.isArray(columns) &&
    columns.every((c) => typeof c === 'string') &&
    Array.isArray(rows) &&
    rows.every((r) => Array.isArray(r) || (typeof r === 'object' && r !== null))
  );
};

const cell = (value: Json | undefined): string =>
  value === null || value === undefined
    ? ''
    : typeof value === 'string'
      ? value
      : typeof value === 'number'
        ? value.toLocaleString('en-US')
        : JSON.stringify(value);

const rowsTable = ({ columns, rows, truncated }: Rows, terminal: Terminal): string => {
  const cells = rows.map((row) =>
    columns.map((name, i) => cell(Array.isArray(row) ? row[i] : (row as Record<string, Json>)[name])),
  );
  const numeric = columns.map((name, i) =>
    rows.every(
      (row) => typeof (Array.isArray(row) ? row[i] : (row as Record<string, Json>)[name]) === 'number',
    ),
  );
  const text = table(
    columns.map((title, i) => ({ title, right: numeric[i] === true })),
    cells,
    terminal.columns,
  );
  return truncated === true ? `${text}\n(more rows were cut off)` : text;
};

/** A result as a person reads it: rows as a table, a text as it is, the rest as JSON. */
export const tellResult = (result: Json, terminal: Terminal): string => {
  if (isRows(result)) return rowsTable(result, terminal);
  if (typeof result === 'string') return result;
  if (typeof result === 'object' && result !== null && !Array.isArray(result)) {
    const { text, ...rest } = result;
    if (typeof text === 'string' && Object.keys(rest).length === 0) return text;
    if (Object.values(result).some((part) => isRows(part)))
      return Object.entries(result)
        .map(([name, part]) => `${styled(terminal, 'bold', name)}\n${tellResult(part, terminal)}`)
        .join('\n\n');
  }
  return JSON.stringify(result, null, 2);
};

/** How a session ended, and with what. */
export const tellEnd = (session: SessionView, terminal: Terminal): string => {
  const ms = Date.parse(session.updated_at) - Date.parse(session.created_at);
  const { steps, tool_calls: calls, input_tokens: read, output_tokens: written } = session.usage;
  const tokens = read + written > 0 ? `, ${read} + ${written} tokens` : '';
  const head = `${session.session_id}  ${session.status}  after ${(ms / 1000).toFixed(2)} s, ${steps} steps, ${calls} tool calls${tokens}`;
  const colour = session.status === 'completed' ? 'green' : 'red';
  const parts = [styled(terminal, colour, head)];
  if (session.error !== null) parts.push(`${session.error.code}: ${session.error.message}`);
  if (session.result !== null) parts.push('', tellResult(session.result, terminal));
  return parts.join('\n');
};
