import type { ToolDefinition } from '../registry/tool.definition.js';
import { httpRequestTool } from './http/http.tool.js';
import { sqlQueryTool } from './sql/sql.tool.js';
import { waitTool } from './wait.tool.js';

export interface BuiltInOptions {
  sqlUrl?: string | undefined;
  httpAllow: readonly string[];
  resultLimitBytes: number;
}

/** The tools that come with Dormouse, and what they hold open. */
export interface BuiltInTools {
  definitions: { definition: ToolDefinition; from: string }[];
  close(): Promise<void>;
}

/** Errors: `invalid_settings` for a database that can't be served or opened. */
export const builtInTools = (options: BuiltInOptions): BuiltInTools => {
  const http = httpRequestTool({ allow: options.httpAllow, bodyLimitBytes: options.resultLimitBytes });
  // without a database there is nothing to ask: the tool is left out of the catalogue
  const sql = options.sqlUrl === undefined ? undefined : sqlQueryTool({ url: options.sqlUrl });
  const tools: ToolDefinition[] = [
    waitTool,
    http.definition,
    ...(sql === undefined ? [] : [sql.definition as ToolDefinition]),
  ];
  return {
    definitions: tools.map((definition) => ({ definition, from: `built in, ${definition.name}` })),
    close: async () => {
      http.close();
      await sql?.close();
    },
  };
};
