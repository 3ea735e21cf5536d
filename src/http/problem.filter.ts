import {
  type ArgumentsHost,
  Catch,
  type ExceptionFilter,
  HttpException,
  Injectable,
  Logger,
} from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { DormouseError } from '#contracts';
import { InvalidRequest, PROBLEM_TYPE, problemOf } from './problem.js';
import { RouteTable } from './route-table.js';

/** Asked for with 429 and 503, in seconds. */
const RETRY_AFTER_S = 1;

/** Whether it is one of Fastify's own errors, and which. */
const fastifyCode = (error: unknown): string | undefined => {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' && code.startsWith('FST_') ? code : undefined;
};

/** Makes every error, whoever raised it, a problem document: the only place that answers errors over HTTP. */
@Catch()
@Injectable()
export class ProblemFilter implements ExceptionFilter {
  private readonly logger = new Logger('Http');

  constructor(private readonly routes: RouteTable) {}

  catch(raised: unknown, host: ArgumentsHost): void {
    const request = host.switchToHttp().getRequest<FastifyRequest>();
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    const error = this.ours(raised, request, reply);
    const problem = problemOf(error);
    if (problem.status === 500)
      this.logger.error(
        `${request.method} ${request.url}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
      );
    if (reply.sent || reply.raw.headersSent) {
      // half an answer is out: only a cut tells the client that it isn't whole
      reply.raw.destroy();
      return;
    }
    if (problem.status === 429 || problem.status === 503) void reply.header('retry-after', RETRY_AFTER_S);
    void reply.code(problem.status).header('content-type', PROBLEM_TYPE).send(JSON.stringify(problem));
  }

  /** The error in our own words, where it is the framework's. */
  private ours(raised: unknown, request: FastifyRequest, reply: FastifyReply): unknown {
    if (DormouseError.is(raised)) return raised;
    if (!(raised instanceof HttpException)) return raised;
    const code = fastifyCode(raised.cause);
    if (code === 'FST_ERR_CTP_BODY_TOO_LARGE')
      return new DormouseError(
        'body_too_large',
        `Expected a body of at most ${request.routeOptions.bodyLimit} bytes (DORMOUSE_BODY_LIMIT); came ${request.headers['content-length'] ?? 'more'}.`,
      );
    if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE' || raised.getStatus() === 415)
      return new DormouseError(
        'unsupported_media_type',
        `Expected a body in one of the media types of this call (see /openapi.json); came ${JSON.stringify(request.headers['content-type'] ?? 'none')}.`,
      );
    if (raised.getStatus() === 404) return this.noRoute(request, reply);
    // the rest of what the framework refuses: a length that doesn't match the body, a broken header
    if (raised.getStatus() < 500) return new InvalidRequest(raised.message);
    return raised;
  }

  private noRoute(request: FastifyRequest, reply: FastifyReply): DormouseError {
    const path = request.url.split('?')[0] ?? '';
    const methods = this.routes.methodsOf(path);
    if (methods.length === 0)
      return new DormouseError('not_found', `There is no ${path}; /openapi.json names all that there is.`);
    void reply.header('allow', methods.join(', '));
    return new DormouseError(
      'method_not_allowed',
      `Expected ${methods.join(' or ')} for ${path}; came ${request.method}.`,
    );
  }
}
