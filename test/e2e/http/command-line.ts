import { runProgram } from '../../../src/cli/program.js';
import type { Terminal } from '../../../src/cli/view/terminal.js';

export interface Ran {
  code: number | undefined;
  out: string;
  err: string;
}

/** Runs `dormouse` in this process against the API at `url`, at a terminal so wide. */
export const commandLine = async (url: string, args: readonly string[], columns = 100): Promise<Ran> => {
  const out: string[] = [];
  const err: string[] = [];
  const terminal: Terminal = {
    columns,
    live: false,
    print: (line) => void out.push(line),
    complain: (line) => void err.push(line),
    draw: () => undefined,
  };
  const code = await runProgram(['--url', url, ...args], terminal);
  return { code, out: out.join('\n'), err: err.join('\n') };
};
