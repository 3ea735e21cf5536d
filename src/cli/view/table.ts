/** Columns of a code point: wide ones (CJK, emoji) take two. An approximation that is right for what tools answer. */
const WIDE =
  /[\u1100-\u115F\u2E80-\uA4CF\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE6F\uFF00-\uFF60\uFFE0-\uFFE6]|\p{Extended_Pictographic}/u;
const NO_WIDTH = /\p{Mark}|\p{Default_Ignorable_Code_Point}/u;

export const columnsOf = (text: string): number => {
  let columns = 0;
  for (const character of text) if (!NO_WIDTH.test(character)) columns += WIDE.test(character) ? 2 : 1;
  return columns;
};

/** What would move the cursor or colour the terminal is shown as a mark, and takes no part in the layout. */
// eslint-disable-next-line no-control-regex -- control characters are what is looked for
const CONTROL = /[\u0000-\u001F\u007F-\u009F]/g;
export const plain = (text: string): string => text.replace(/\s*\n\s*/g, ' ').replace(CONTROL, '·');

/** Cuts to a width, with an ellipsis. */
export const cut = (text: string, width: number): string => {
  if (columnsOf(text) <= width) return text;
  let out = '';
  let columns = 0;
  for (const character of text) {
    columns += columnsOf(character);
    if (columns > width - 1) break;
    out += character;
  }
  return `${out}…`;
};

const pad = (text: string, width: number, right: boolean): string => {
  const space = ' '.repeat(Math.max(0, width - columnsOf(text)));
  return right ? space + text : text + space;
};

export interface Column {
  title: string;
  /** numbers read better on the right */
  right?: boolean;
}

const MIN_WIDTH = 8;

/** A readable table; the widest columns give way when the terminal is narrow. */
export const table = (
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  terminalColumns: number,
): string => {
  const cells = rows.map((row) => columns.map((_, i) => plain(row[i] ?? '')));
  const widths = columns.map(({ title }, i) =>
    Math.max(columnsOf(title), ...cells.map((row) => columnsOf(row[i] ?? ''))),
  );
  const gaps = 2 * (columns.length - 1);
  for (;;) {
    const excess = widths.reduce((sum, w) => sum + w, gaps) - terminalColumns;
    const widest = widths.indexOf(Math.max(...widths));
    const width = widths[widest] ?? 0;
    if (excess <= 0 || width <= MIN_WIDTH) break;
    widths[widest] = Math.max(MIN_WIDTH, width - excess);
  }
  const line = (row: readonly string[]): string =>
    row
      .map((cell, i) => pad(cut(cell, widths[i] ?? 0), widths[i] ?? 0, columns[i]?.right === true))
      .join('  ')
      .trimEnd();
  return [line(columns.map((c) => c.title)), line(widths.map((w) => '─'.repeat(w))), ...cells.map(line)].join(
    '\n',
  );
};
