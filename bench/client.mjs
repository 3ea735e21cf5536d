// The REST API as a client sees it: single calls, the batch endpoint, the live events.
import http from 'node:http';

const agent = new http.Agent({ keepAlive: true });

/** @param {'json' | 'text'} [as] how the answer is read @returns {Promise<{ status: number, body: any }>} */
export const request = (url, method, target, body, as = 'json') =>
  new Promise((resolve, reject) => {
    const payload = body === undefined ? undefined : JSON.stringify(body);
    const call = http.request(
      new URL(target, url),
      { method, agent, headers: payload === undefined ? {} : { 'content-type': 'application/json' } },
      (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk) => (text += chunk));
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            body: as === 'text' ? text : text === '' ? undefined : JSON.parse(text),
          }),
        );
        response.on('error', reject);
      },
    );
    call.on('error', reject);
    call.end(payload);
  });

/** What is there, as it is. */
export const text = (url, target) =>
  new Promise((resolve, reject) => {
    http
      .get(new URL(target, url), { agent }, (response) => {
        let all = '';
        response.setEncoding('utf8').on('data', (chunk) => (all += chunk));
        response.on('end', () => resolve(all)).on('error', reject);
      })
      .on('error', reject);
  });

/** Expects success, and says what came otherwise. */
export const ask = async (url, method, target, body) => {
  const answer = await request(url, method, target, body);
  if (answer.status >= 300)
    throw new Error(
      `${method} ${target}: expected success, got ${answer.status}: ${JSON.stringify(answer.body)}`,
    );
  return answer.body;
};

/**
 * Streams bodies through `POST /v1/sessions/batch`; resolves with the session ids, in order, when all are answered.
 * @param {string} url @param {object[]} bodies
 * @returns {Promise<string[]>}
 */
export const submitBatch = (url, bodies) =>
  new Promise((resolve, reject) => {
    const ids = [];
    let rest = '';
    const take = (line) => {
      const answer = JSON.parse(line);
      if (answer.code !== undefined) throw new Error(`line ${ids.length + 1} was refused: ${line}`);
      ids.push(answer.session_id);
    };
    const call = http.request(
      new URL('/v1/sessions/batch', url),
      { method: 'POST', headers: { 'content-type': 'application/x-ndjson' } },
      (response) => {
        response.setEncoding('utf8').on('data', (chunk) => {
          const lines = (rest + chunk).split('\n');
          rest = lines.pop() ?? '';
          try {
            for (const line of lines) if (line !== '') take(line);
          } catch (error) {
            reject(error);
            call.destroy();
          }
        });
        response.on('end', () =>
          ids.length === bodies.length
            ? resolve(ids)
            : reject(new Error(`expected ${bodies.length} answers, got ${ids.length}: ${rest}`)),
        );
        response.on('error', reject);
      },
    );
    call.on('error', reject);
    let next = 0;
    const write = () => {
      while (next < bodies.length) {
        let chunk = '';
        for (let k = 0; k < 100 && next < bodies.length; k++) chunk += `${JSON.stringify(bodies[next++])}\n`;
        if (!call.write(chunk)) return void call.once('drain', write);
      }
      call.end();
    };
    write();
  });

/** Submits one session and follows its live events to the end; resolves with the id. */
export const runSession = async (url, body) => {
  const { session_id } = await ask(url, 'POST', '/v1/sessions', body);
  await new Promise((resolve, reject) => {
    http
      .get(new URL(`/v1/sessions/${session_id}/events`, url), { agent }, (response) => {
        response.resume().on('end', resolve).on('error', reject);
      })
      .on('error', reject);
  });
  return session_id;
};

/** The latest sessions (in a status), at most `limit`, following cursors over pages that a filter left short. */
export const list = async (url, status, limit) => {
  const sessions = [];
  let cursor;
  do {
    const query = new URLSearchParams({ limit: String(Math.min(500, limit - sessions.length)) });
    if (status !== undefined) query.set('status', status);
    if (cursor !== undefined) query.set('cursor', cursor);
    const page = await ask(url, 'GET', `/v1/sessions?${query}`);
    sessions.push(...page.sessions);
    cursor = page.next_cursor ?? undefined;
  } while (cursor !== undefined && sessions.length < limit);
  return sessions;
};

const TERMINAL = new Set(['completed', 'failed', 'compensated', 'cancelled', 'parked']);
const ASK_EVERY_MS = 25;

/**
 * Resolves when all these sessions have ended. Seldom asks, and for the latest alone until that has ended, so that
 * asking takes little part in what is measured; then looks at all of them, by pages.
 */
export const ended = async (url, ids) => {
  const pause = () => new Promise((resolve) => setTimeout(resolve, ASK_EVERY_MS));
  while (!TERMINAL.has((await ask(url, 'GET', `/v1/sessions/${ids.at(-1)}`)).status)) await pause();
  for (;;) {
    const latest = new Map((await list(url, undefined, ids.length)).map((s) => [s.session_id, s.status]));
    const left = ids.filter((id) => !TERMINAL.has(latest.get(id)));
    if (left.length === 0) return;
    const lost = left.find((id) => !latest.has(id));
    if (lost !== undefined) throw new Error(`expected ${ids.length} sessions, ${lost} isn't listed`);
    await pause();
  }
};

/**
 * When the last of these sessions ended, ms since the epoch: their snapshots say it themselves, so nobody had to ask often
 * while they were worked off. All of them must have completed.
 * @param {string} url @param {readonly string[]} ids @param {number} limit sessions that have completed, at most
 */
export const lastEnd = async (url, ids, limit) => {
  const completed = await list(url, 'completed', limit);
  const endedAt = new Map(completed.map((s) => [s.session_id, Date.parse(s.updated_at)]));
  const missing = ids.filter((id) => !endedAt.has(id));
  if (missing.length > 0)
    throw new Error(`expected ${ids.length} completed sessions, ${missing.length} are not: ${missing[0]}`);
  return ids.reduce((last, id) => Math.max(last, endedAt.get(id)), 0);
};
