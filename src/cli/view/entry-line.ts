import type { Json, TimelineEntry } from '#contracts';
import { cut, plain } from './table.js';
import { styled, type Terminal } from './terminal.js';

type Payload = Record<string, Json | undefined>;

const textOf = (value: Json | undefined): string =>
  value === undefined ? '' : typeof value === 'string' ? value : JSON.stringify(value);

/** A plan's own name for a call, without its prefix. */
const callOf = (payload: Payload): string => {
  const call = textOf(payload.call).replace(/^(step|undo):/, '');
  const tool = textOf(payload.tool_name);
  const name = call === '' || tool === '' || call === tool ? call || tool : `${call} (${tool})`;
  return textOf(payload.call).startsWith('undo:') ? `undo ${name}` : name;
};

const errorOf = (payload: Payload): string => {
  const error = payload.error as Payload | null | undefined;
  return error === null || error === undefined ? '' : `${textOf(error.code)}: ${textOf(error.message)}`;
};

/** A result in one line: of rows their number and columns, of the rest its JSON. */
const resultOf = (result: Json | undefined): string => {
  const { row_count: rows, columns } = (
    typeof result === 'object' && result !== null ? result : {}
  ) as Payload;
  if (typeof rows !== 'number' || !Array.isArray(columns)) return textOf(result);
  return `${rows} ${rows === 1 ? 'row' : 'rows'}: ${columns.map(textOf).join(', ')}`;
};

const MARKS: Record<string, string> = { succeeded: '✓', failed: '✗', unknown: '?', cancelled: '–' };

/** What a person did to the session, or a time that has come. */
const tellPerson = (p: Payload, type: string): { mark: string; text: string; bad: boolean } => {
  if (Array.isArray(p.messages))
    return { mark: '☞', text: `${p.messages.length} of the messages were not read`, bad: true };
  const what = [type, p.timer_id, p.outcome, p.decision, p.intent_id].map(textOf).filter(Boolean).join(' ');
  const who = p.by === undefined ? '' : ` by ${textOf(p.by)}`;
  const why = p.reason === undefined ? '' : `: ${textOf(p.reason)}`;
  const late = p.refused === undefined ? '' : '  (too late)';
  return { mark: '☞', text: `${what}${who}${why}${late}`, bad: p.refused !== undefined };
};

/** What an entry says, without time and colour. */
export const tellEntry = ({ type, payload }: TimelineEntry): { mark: string; text: string; bad: boolean } => {
  const p = (
    typeof payload === 'object' && payload !== null && !Array.isArray(payload) ? payload : {}
  ) as Payload;
  switch (type) {
    case 'status':
      return {
        mark: '●',
        text: [textOf(p.status), errorOf(p)].filter(Boolean).join('  '),
        bad: p.status === 'failed',
      };
    case 'message':
      return { mark: p.role === 'assistant' ? '?' : '»', text: textOf(p.content), bad: false };
    case 'intent':
      return p.held === true
        ? { mark: '⏸', text: `${callOf(p)}  ${textOf(p.parameters)}  (waits for approval)`, bad: false }
        : { mark: '→', text: `${callOf(p)}  ${textOf(p.parameters)}`, bad: false };
    case 'observation': {
      if (typeof p.type === 'string') return tellPerson(p, p.type);
      const outcome = (p.outcome as Payload | undefined) ?? p;
      const status = textOf(outcome.status);
      const tail = status === 'succeeded' ? resultOf(outcome.result) : `${status}  ${errorOf(outcome)}`;
      const ms = outcome.duration_ms === undefined ? '' : ` ${Math.round(Number(outcome.duration_ms))} ms`;
      return {
        mark: MARKS[status] ?? '←',
        text: `${callOf(p)}${ms}  ${tail}`,
        bad: status === 'failed' || status === 'unknown',
      };
    }
    case 'decision':
      return { mark: '◆', text: textOf(p.content ?? p.step), bad: false };
  }
};

/** One entry on one line: time, mark, text. */
export const entryLine = (entry: TimelineEntry, terminal: Terminal): string => {
  const { mark, text, bad } = tellEntry(entry);
  const time = entry.time.slice(11, 23);
  const body = cut(plain(`${mark} ${text}`), Math.max(20, terminal.columns - time.length - 2));
  const colour = bad
    ? 'red'
    : entry.type === 'status'
      ? 'cyan'
      : entry.type === 'observation'
        ? 'green'
        : undefined;
  return `${styled(terminal, 'dim', time)}  ${colour === undefined ? body : styled(terminal, colour, body)}`;
};
