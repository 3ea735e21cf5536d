import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Where the command lies, or undefined. */
export const onPath = (command: string): string | undefined => {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const path = join(folder, command);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // not there
    }
  }
  return undefined;
};

/** Runs a command to its end. @throws Error with the end of its output when it fails */
export const runToEnd = (command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): string => {
  const result = spawnSync(command, args, { encoding: 'utf8', env: { ...process.env, ...env } });
  const output = `${result.stdout}${result.stderr}`;
  if (result.error) throw new Error(`${command}: ${result.error.message}`);
  if (result.status !== 0)
    throw new Error(`${command} ${args.join(' ')} ended with ${result.status}:\n${output.slice(-2_000)}`);
  return output;
};
