import { spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { runToEnd } from './on-path.js';

let answers: boolean | undefined;

/** True when a Docker engine answers within 3 s. */
export const dockerAnswers = (): boolean => {
  if (answers === undefined) {
    const info = spawnSync('docker', ['info', '--format', '{{.ServerVersion}}'], {
      encoding: 'utf8',
      timeout: 3_000,
    });
    answers = info.status === 0 && info.stdout.trim() !== '';
  }
  return answers;
};

const WATCHDOG = `
while kill -0 "$1" 2>/dev/null && docker inspect "$2" >/dev/null 2>&1; do sleep 1; done
docker rm -f "$2" >/dev/null 2>&1`;

/** A container on this machine's network, which doesn't outlive the process that it was started for. */
export class Container {
  private constructor(private readonly name: string) {}

  /** @throws Error when the image can't be had or started */
  static run(image: string, args: readonly string[], env: Record<string, string>, owner: number): Container {
    const name = `dormouse-test-${randomBytes(6).toString('hex')}`;
    const settings = Object.entries(env).flatMap(([key, value]) => ['-e', `${key}=${value}`]);
    runToEnd('docker', ['run', '-d', '--network', 'host', '--name', name, ...settings, image, ...args]);
    spawn('sh', ['-c', WATCHDOG, 'watchdog', String(owner), name], {
      stdio: 'ignore',
      detached: true,
    }).unref();
    return new Container(name);
  }

  signal(signal: NodeJS.Signals): void {
    runToEnd('docker', ['kill', '-s', signal, this.name]);
  }

  restart(): void {
    runToEnd('docker', ['start', this.name]);
  }

  remove(): void {
    runToEnd('docker', ['rm', '-f', this.name]);
  }
}
