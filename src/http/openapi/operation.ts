import { DEFAULT_LIST_LIMIT, MAX_LIST_LIMIT } from '../list-query.js';
import { type ErrorCode, Tenant } from '#contracts';

/** A parameter in the query, the path or the headers. */
export interface Parameter {
  name: string;
  in: 'query' | 'path' | 'header';
  required?: boolean;
  description?: string;
  schema: object;
}

export interface Answer {
  description: string;
  mediaType?: string;
  schema?: object;
  headers?: Record<string, { description: string; schema: object }>;
}

/** One call of the API, as the document describes it. The schemas are those that the code checks with. */
export interface Operation {
  method: 'get' | 'post';
  path: string;
  id: string;
  tag: 'sessions' | 'tools' | 'dead letters' | 'health' | 'description';
  summary: string;
  description?: string;
  parameters?: readonly Parameter[];
  body?: { mediaType: string; schema: object; required: boolean };
  answers: Readonly<Record<string, Answer>>;
  /** errors beside those that every call can answer */
  errors: readonly ErrorCode[];
}

export const JSON_TYPE = 'application/json';

export const tenant: Parameter = {
  name: 'Dormouse-Tenant',
  in: 'header',
  description: "another tenant's session is a 404",
  schema: Tenant,
};
export const id: Parameter = { name: 'id', in: 'path', required: true, schema: { type: 'string' } };
export const query = (name: string, description: string, schema: object): Parameter => ({
  name,
  in: 'query',
  description,
  schema,
});

/** The parameters of every list. */
export const page = (of: string): Parameter[] => [
  query('limit', `${of} on a page`, {
    type: 'integer',
    minimum: 1,
    maximum: MAX_LIST_LIMIT,
    default: DEFAULT_LIST_LIMIT,
  }),
  query('cursor', '`next_cursor` of the page before', { type: 'string', minLength: 1, maxLength: 1024 }),
];
