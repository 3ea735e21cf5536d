import { type ErrorCode, Problem } from '#contracts';
import { VERSION } from '../../version.js';
import { PROBLEM_TYPE, statusesOf } from '../problem.js';
import type { Answer, Operation } from './operation.js';
import { OPERATIONS } from './operations.js';
import { SchemaComponents } from './schema-components.js';

/** What any call can answer: a query or header that is wrong, an error of ours. */
const EVERYWHERE: readonly ErrorCode[] = ['invalid_request', 'internal'];

const content = (
  components: SchemaComponents,
  { mediaType, schema }: { mediaType: string; schema: object },
): object => ({
  [mediaType]: { schema: components.use(schema) },
});

const answerOf = (
  components: SchemaComponents,
  { description, headers, mediaType, schema }: Answer,
): object => ({
  description,
  ...(headers === undefined ? {} : { headers }),
  ...(mediaType === undefined || schema === undefined
    ? {}
    : { content: content(components, { mediaType, schema }) }),
});

const problemAnswer = (
  components: SchemaComponents,
  codes: readonly ErrorCode[],
  status: number,
): Answer => ({
  description: `a problem: ${codes.filter((code) => statusesOf([code]).includes(status)).join(', ')}`,
  mediaType: PROBLEM_TYPE,
  schema: Problem,
  ...(status === 429 || status === 503
    ? { headers: { 'Retry-After': { description: 'seconds', schema: { type: 'integer' } } } }
    : {}),
});

const mapped = <T>(
  entries: readonly (readonly [string, T])[],
  made: (value: T) => object,
): Record<string, object> => Object.fromEntries(entries.map(([key, value]) => [key, made(value)]));

const operationOf = (components: SchemaComponents, operation: Operation): object => {
  const { id, tag, summary, description, parameters, body, answers } = operation;
  const codes = [...EVERYWHERE, ...operation.errors];
  const problems = statusesOf(codes).filter((status) => !(String(status) in answers));
  return {
    operationId: id,
    tags: [tag],
    summary,
    ...(description === undefined ? {} : { description }),
    ...(parameters === undefined
      ? {}
      : { parameters: parameters.map((p) => ({ ...p, schema: components.use(p.schema) })) }),
    ...(body === undefined
      ? {}
      : { requestBody: { required: body.required, content: content(components, body) } }),
    responses: {
      ...mapped(Object.entries(answers), (answer) => answerOf(components, answer)),
      ...mapped(
        problems.map((status) => [String(status), status]),
        (status) => answerOf(components, problemAnswer(components, codes, status)),
      ),
    },
  };
};

/** The API's own description, generated from the schemas that the code uses. https://spec.openapis.org/oas/v3.1.0 */
export const openApiDocument = (): object => {
  const components = new SchemaComponents();
  const paths: Record<string, Record<string, object>> = {};
  for (const operation of OPERATIONS)
    (paths[operation.path] ??= {})[operation.method] = operationOf(components, operation);
  return {
    openapi: '3.1.0',
    info: {
      title: 'Dormouse',
      version: VERSION,
      description:
        'An event-driven runtime for AI agents. Errors are problem details (RFC 9457) with a stable `code`.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    tags: [
      { name: 'sessions' },
      { name: 'tools' },
      { name: 'dead letters' },
      { name: 'health' },
      { name: 'description' },
    ],
    paths,
    components: { schemas: components.schemas },
  };
};
