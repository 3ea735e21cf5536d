import { Catch, type RpcExceptionFilter } from '@nestjs/common';
import { type Observable, throwError } from 'rxjs';

/**
 * Hands a handler's error on as it is. Nest's own filter puts `Internal server error` in its place, and whoever decides
 * on retries would know nothing of it.
 */
@Catch()
export class OriginalErrorFilter implements RpcExceptionFilter {
  catch(error: unknown): Observable<never> {
    return throwError(() => error);
  }
}
