/** Whether objects and lists lie at most `levels` deep within each other: what walks a value calls itself at each level. */
export const isShallow = (value: unknown, levels: number): boolean =>
  value === null ||
  typeof value !== 'object' ||
  (levels > 0 && Object.values(value).every((item) => isShallow(item, levels - 1)));
