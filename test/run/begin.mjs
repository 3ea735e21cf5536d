// Before the first spec: a folder where the specs' processes agree on the servers that they share, and the process
// whose end ends those servers.
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export default function begin() {
  process.env.DORMOUSE_TEST_RUN_FOLDER = mkdtempSync(join(tmpdir(), 'dormouse-run-'));
  process.env.DORMOUSE_TEST_RUN_PID = String(process.pid);
}
