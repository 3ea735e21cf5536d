import { afterEach, describe, expect, it } from '@jest/globals';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

const START_TIMEOUT_MS = 120_000; // covers a first build on a slow machine

let child: ChildProcess | undefined;

afterEach(() => {
  child?.kill('SIGKILL');
});

describe('npm start', () => {
  it(
    'boots, and exits 0 when it is asked to stop',
    async () => {
      const started = spawn(process.execPath, ['scripts/start.mjs'], {
        env: { ...process.env, PORT: '0', NO_COLOR: '1' },
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      child = started;

      let output = '';
      await new Promise<void>((resolve, reject) => {
        started.stdout.on('data', (chunk: Buffer) => {
          output += chunk.toString();
          if (output.includes('listening on')) resolve();
        });
        started.once('exit', (code) => reject(new Error(`exited with ${code ?? 'a signal'}: ${output}`)));
      });

      const exited = once(started, 'exit');
      started.kill('SIGTERM');
      expect(await exited).toEqual([0, null]);
    },
    START_TIMEOUT_MS,
  );
});
