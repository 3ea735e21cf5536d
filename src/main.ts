import 'reflect-metadata';
import { Logger } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { AppModule } from './app.module.js';

const DEFAULT_PORT = 3000;

async function main(): Promise<void> {
  const app = await NestFactory.create<NestFastifyApplication>(AppModule, new FastifyAdapter());
  const logger = new Logger('Dormouse');

  // Nest's own shutdown hooks re-raise the signal after closing, which ends the process with 128 + n.
  // A supervisor must be able to tell an orderly stop from a kill, so an orderly stop exits 0.
  let closing = false;
  const close = (signal: NodeJS.Signals): void => {
    if (closing) return;
    closing = true;
    logger.log(`${signal} received, closing`);
    app.close().then(
      () => process.exit(0),
      (error: unknown) => {
        logger.error('could not close cleanly', error instanceof Error ? error.stack : String(error));
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', close);
  process.on('SIGINT', close);

  await app.listen(Number(process.env.PORT ?? DEFAULT_PORT), process.env.HOST ?? '127.0.0.1');
  logger.log(`listening on ${await app.getUrl()}`);
}

await main();
