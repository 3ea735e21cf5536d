import { ConsoleLogger } from '@nestjs/common';

/** Parts of the framework whose lines tell an operator nothing: one a route and one a module. */
const SILENT = new Set([
  'InstanceLoader',
  'NestApplication',
  'NestFactory',
  'NestMicroservice',
  'RouterExplorer',
  'RoutesResolver',
]);

/** What these call an error they also throw, and the start tells it once. */
const THROWN = new Set(['ExceptionHandler', 'NestApplication']);

/** The log of the process, on standard output; other errors and warnings of the framework still show. */
export class StartLogger extends ConsoleLogger {
  override log(message: unknown, ...rest: unknown[]): void {
    const context = rest.at(-1);
    if (typeof context === 'string' && SILENT.has(context)) return;
    super.log(message, ...(rest as [string]));
  }

  override error(message: unknown, ...rest: unknown[]): void {
    const context = rest.at(-1);
    if (typeof context === 'string' && THROWN.has(context)) return;
    super.error(message, ...(rest as [string]));
  }
}
