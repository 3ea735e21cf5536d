// Loaded into each process under test: collects garbage and tells the resident bytes when the bench asks for them.
import { readFileSync } from 'node:fs';

const rssAnon = () =>
  1024 * Number(/^RssAnon:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? 0);

process.on('message', () => {
  for (let i = 0; i < 3; i++) globalThis.gc();
  process.send(rssAnon());
});
// the bench alone must keep no process alive
process.channel.unref();
