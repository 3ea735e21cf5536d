/** A time of the API as a table shows it: UTC, to the second. */
export const utcTime = (time: string): string => time.slice(0, 19).replace('T', ' ');
