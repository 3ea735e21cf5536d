// After the last spec. The servers themselves end with this process.
import { rmSync } from 'node:fs';

export default function end() {
  const folder = process.env.DORMOUSE_TEST_RUN_FOLDER;
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
}
