import type { ArgumentsHost } from '@nestjs/common';
import { expect, it } from '@jest/globals';
import { ProblemFilter } from './problem.filter.js';
import { RouteTable } from './route-table.js';
import { MAX_UNDER_WAY, SubmissionGate } from './submission-gate.js';

/** What a client is answered when this was raised. */
const answerTo = (error: unknown) => {
  const answer = { status: 0, headers: {} as Record<string, unknown>, body: '' };
  const reply = {
    sent: false,
    raw: { headersSent: false },
    code: (status: number) => ((answer.status = status), reply),
    header: (name: string, value: unknown) => ((answer.headers[name] = value), reply),
    send: (body: string) => void (answer.body = body),
  };
  const http = { getRequest: () => ({ method: 'POST', url: '/v1/sessions' }), getResponse: () => reply };
  new ProblemFilter(new RouteTable()).catch(error, {
    switchToHttp: () => http,
  } as unknown as ArgumentsHost);
  return answer;
};

it('more submissions at once than the process holds are refused with 429 and Retry-After, until one has ended', async () => {
  const gate = new SubmissionGate();
  let end: () => void = () => undefined;
  const first = gate.pass(() => new Promise<void>((resolve) => (end = resolve)));
  for (let n = 1; n < MAX_UNDER_WAY; n++) void gate.pass(() => new Promise(() => undefined));
  const refused: unknown = await gate.pass(() => Promise.resolve()).catch((error: unknown) => error);
  expect(refused).toMatchObject({ code: 'overloaded', retryable: true });
  expect(answerTo(refused)).toMatchObject({
    status: 429,
    headers: { 'retry-after': 1, 'content-type': 'application/problem+json' },
    body: expect.stringContaining('"code":"overloaded"'),
  });
  end();
  await first;
  expect(await gate.pass(() => Promise.resolve('taken'))).toBe('taken');
});
