/**
 * The first `limit` UTF-16 units of a text, one fewer where a surrogate pair would be torn apart: half of one isn't
 * valid UTF-8 and would be refused.
 */
export const head = (text: string, limit: number): string => {
  if (text.length <= limit) return text;
  const last = text.charCodeAt(limit - 1);
  return text.slice(0, last >= 0xd800 && last <= 0xdbff ? limit - 1 : limit);
};

/** `head`, and an ellipsis when something is missing: for quotes in messages. */
export const quote = (text: string, limit: number): string =>
  text.length <= limit ? text : `${head(text, limit)}…`;
