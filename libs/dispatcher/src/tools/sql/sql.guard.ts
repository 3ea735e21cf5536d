/**
 * Functions of the library's SQLite that reach out of the database: files, extensions, the encryption's settings. The
 * connection is read-only, but that doesn't keep `writefile` from writing.
 */
const REACHES_OUT =
  /\b(readfile|writefile|fsdir|lsmode|edit|zipfile|load_extension|fts3_tokenizer|sqlite3mc_\w+|carray|sqlite_log)\b/i;

/** Blanks and comments before the first word. */
const BEFORE = /^(?:\s+|--[^\n]*(?:\n|$)|\/\*[\s\S]*?(?:\*\/|$))*/;

/**
 * Undefined: the query only reads; else what is wrong with it. The connection is opened read-only in any case; this
 * keeps out what that doesn't, and says it in words.
 */
export const refusesQuery = (query: string): string | undefined => {
  const word = /^\w+/.exec(query.replace(BEFORE, ''))?.[0]?.toUpperCase();
  if (word === undefined) return 'query: expected a SELECT, WITH or VALUES statement, got no statement';
  if (word !== 'SELECT' && word !== 'WITH' && word !== 'VALUES')
    return `query: expected a SELECT, WITH or VALUES statement, got ${word}; sql_query is read-only (a table's columns: SELECT * FROM pragma_table_info('<table>'))`;
  const reaching = REACHES_OUT.exec(query)?.[0];
  if (reaching !== undefined) return `query: ${reaching} reaches out of the database and is not allowed`;
  return undefined;
};
