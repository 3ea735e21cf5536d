import { Controller, Get, Req, Res } from '@nestjs/common';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { DormouseError } from '#contracts';
import { refuseQuery } from '../request.js';

/** The files of Swagger UI that the page uses, and what they are. */
const ASSETS: Readonly<Record<string, string>> = {
  'swagger-ui.css': 'text/css; charset=utf-8',
  'swagger-ui-bundle.js': 'text/javascript; charset=utf-8',
  'favicon-32x32.png': 'image/png',
};

const START = `window.addEventListener('load', () => {
  window.ui = SwaggerUIBundle({ url: '/openapi.json', dom_id: '#swagger-ui', deepLinking: true });
});
`;

const PAGE = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>Dormouse API</title>
    <link rel="icon" type="image/png" href="/docs/favicon-32x32.png" />
    <link rel="stylesheet" href="/docs/swagger-ui.css" />
    <script src="/docs/swagger-ui-bundle.js" defer></script>
    <script src="/docs/start.js" defer></script>
  </head>
  <body>
    <div id="swagger-ui"></div>
  </body>
</html>
`;

/** Swagger UI over /openapi.json. Its files are looked for, and read, when somebody asks: a start doesn't need them. */
@Controller('docs')
export class DocsController {
  private folder: string | undefined;

  @Get()
  async page(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    refuseQuery(request);
    await reply.header('content-type', 'text/html; charset=utf-8').send(PAGE);
  }

  @Get('start.js')
  async start(@Res() reply: FastifyReply): Promise<void> {
    await reply.header('content-type', 'text/javascript; charset=utf-8').send(START);
  }

  @Get(':asset')
  async asset(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const { asset } = request.params as { asset: string };
    const type = Object.hasOwn(ASSETS, asset) ? ASSETS[asset] : undefined;
    if (type === undefined) throw new DormouseError('not_found', `There is no /docs/${asset}.`);
    this.folder ??= dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));
    await reply
      .header('content-type', type)
      .header('cache-control', 'public, max-age=3600')
      .send(await readFile(join(this.folder, asset)));
  }
}
