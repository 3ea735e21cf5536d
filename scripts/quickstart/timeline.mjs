// A session's timeline as a chart: what ran when, side by side.
const WIDTH = 36;

/** One row a tool call: its name, when it began and ended (ms after the session), and how. */
export function callsOf(entries, startMs) {
  const calls = new Map();
  for (const { type, time, payload } of entries) {
    if (type === 'intent') {
      const name = (payload.call ?? payload.tool_name).replace(/^step:/, '');
      calls.set(payload.intent_id, { name, from: Date.parse(time) - startMs });
    }
    const call = calls.get(payload?.intent_id);
    if (type === 'observation' && call !== undefined) {
      const outcome = payload.outcome ?? payload;
      Object.assign(call, {
        to: Date.parse(time) - startMs,
        status: outcome.status,
        rows: outcome.result?.row_count,
      });
    }
  }
  return [...calls.values()];
}

/** Rows for a table: step, outcome, rows, ms, bar. */
export function chart(calls) {
  const end = Math.max(1, ...calls.map((call) => call.to ?? call.from));
  const at = (ms) => Math.round((ms / end) * WIDTH);
  return calls.map(({ name, from, to = end, status = 'pending', rows }) => {
    const bar = `${'·'.repeat(at(from))}${'█'.repeat(Math.max(1, at(to) - at(from)))}`;
    return [name, status, rows === undefined ? '' : String(rows), `${to - from} ms`, bar];
  });
}
