const DEFAULT_COLUMNS = 100;

/** Where a command prints, and what it may use there. */
export interface Terminal {
  columns: number;
  /** a person may be watching: colours and a moving last line are fine */
  live: boolean;
  /** one line on standard output */
  print(line: string): void;
  /** one line on standard error */
  complain(line: string): void;
  /** without a line break, for a line that will be overwritten; only when `live` */
  draw(text: string): void;
}

export const processTerminal = (): Terminal => ({
  columns: process.stdout.isTTY ? process.stdout.columns : DEFAULT_COLUMNS,
  live: process.stdout.isTTY && process.env.NO_COLOR === undefined && process.env.TERM !== 'dumb',
  print: (line) => void process.stdout.write(`${line}\n`),
  complain: (line) => void process.stderr.write(`${line}\n`),
  draw: (text) => void process.stdout.write(text),
});

type Style = 'dim' | 'bold' | 'red' | 'green' | 'yellow' | 'cyan';
const CODES: Record<Style, [number, number]> = {
  dim: [2, 22],
  bold: [1, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  cyan: [36, 39],
};

export const styled = (terminal: Terminal, style: Style, text: string): string => {
  const [on, off] = CODES[style];
  return terminal.live ? `\u001B[${on}m${text}\u001B[${off}m` : text;
};
