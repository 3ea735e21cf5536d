import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { parseJson } from './json-body.js';
import { InvalidRequest, PROBLEM_TYPE, problemOf } from './problem.js';
import type { RouteTable } from './route-table.js';

/** Longer than any id of ours: a longer one is answered by the route, as one that doesn't exist. */
const MAX_PARAM_LENGTH = 8_192;

export const NDJSON_TYPES = ['application/x-ndjson', 'application/ndjson'];

/** Answers what Node's HTTP parser refused: there is no request object yet, only the connection. */
const refuse = (error: Error & { code?: string }, socket: Socket): void => {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const overflow = error.code === 'HPE_HEADER_OVERFLOW';
  const late = error.code === 'ERR_HTTP_REQUEST_TIMEOUT';
  const status = overflow
    ? '431 Request Header Fields Too Large'
    : late
      ? '408 Request Timeout'
      : '400 Bad Request';
  const detail = overflow
    ? 'Expected headers of at most 16 KiB; came more.'
    : late
      ? 'Expected the headers within a minute; they did not come.'
      : `Expected a request as HTTP/1.1 has it; came another (${error.code ?? error.message}).`;
  const body = JSON.stringify({
    ...problemOf(new InvalidRequest(detail)),
    status: Number(status.slice(0, 3)),
  });
  socket.end(
    `HTTP/1.1 ${status}\r\ncontent-type: ${PROBLEM_TYPE}\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
};

/** The HTTP server: limits, parsers for the media types of the API, and no error that isn't a problem document. */
export const httpAdapter = (options: { bodyLimitBytes: number; routes: RouteTable }): FastifyAdapter => {
  const adapter = new FastifyAdapter({
    bodyLimit: options.bodyLimitBytes,
    // no middleware here; the package that brings it costs start-up time
    skipMiddie: true,
    // its own answer while the server closes is no problem document, and ours still works
    return503OnClosing: false,
    routerOptions: { maxParamLength: MAX_PARAM_LENGTH },
    clientErrorHandler: refuse,
    frameworkErrors: (error: FastifyError, request: FastifyRequest, reply: FastifyReply) => {
      const problem = problemOf(
        new InvalidRequest(`Expected a well-formed path; came ${request.url} (${error.message}).`),
      );
      void reply.code(problem.status).header('content-type', PROBLEM_TYPE).send(JSON.stringify(problem));
    },
  });
  const fastify = adapter.getInstance();
  options.routes.watch(fastify);
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body: Buffer, done) => {
    if (body.length === 0) {
      done(null, undefined);
      return;
    }
    try {
      done(null, parseJson(body));
    } catch (error) {
      done(error as Error);
    }
  });
  // handed on as it arrives: its size has no limit, its lines have
  fastify.addContentTypeParser(NDJSON_TYPES, (_request: FastifyRequest, body: IncomingMessage, done) => {
    done(null, body);
  });
  return adapter;
};
