/** What the writer writes: `ROWS` rows a move, of sizes that differ. */
export const TABLE = 'aa';
export const ROWS = 5;
export const rowValue = (number: number, row: number): string =>
  `${number}-${row}-`.repeat(1 + ((number * 7 + row) % 40));
