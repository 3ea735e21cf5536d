// `npm test`: installs when needed, runs every gate, then every suite. The last line of its output is
// "N passed, N failed" over all tests; each gate counts as one test. `npm test -- <jest arguments>`
// skips install and gates and runs jest alone, with the same last line.
// Needs nothing installed: only what Node brings.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { install, isInstalled } from './installed.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
const gates = ['format:check', 'lint', 'typecheck', 'boundaries', 'build'];

/** Runs a command with our terminal; true when it exits 0. */
function run(command, args) {
  const result = spawnSync(command, args, { cwd: root, stdio: 'inherit' });
  if (result.error) console.error(`${command}: ${result.error.message}`);
  return result.status === 0;
}

/** Runs jest; returns how many tests passed, and what failed by name. */
function runJest(args) {
  const folder = mkdtempSync(join(tmpdir(), 'dormouse-jest-'));
  const report = join(folder, 'report.json');
  try {
    const ok = run(process.execPath, [
      '--experimental-vm-modules',
      '--disable-warning=ExperimentalWarning',
      join(root, 'node_modules', 'jest', 'bin', 'jest.js'),
      '--json',
      `--outputFile=${report}`,
      ...args,
    ]);
    if (!existsSync(report)) return { passed: 0, failures: ['jest did not finish'] };
    const result = JSON.parse(readFileSync(report, 'utf8'));
    const failures = [];
    for (const suite of result.testResults) {
      const file = suite.name.slice(root.length + 1);
      const failed = suite.assertionResults.filter((test) => test.status === 'failed');
      for (const test of failed) failures.push(`${file}: ${test.fullName}`);
      if (suite.status === 'failed' && failed.length === 0) failures.push(`${file}: the suite did not run`);
    }
    if (!ok && failures.length === 0) failures.push('jest exited with an error');
    return { passed: result.numPassedTests, failures };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const jestArgs = process.argv.slice(2);
const failures = [];
let passed = 0;

if (jestArgs.length === 0 && !isInstalled() && !install()) {
  failures.push('npm ci');
} else {
  for (const gate of jestArgs.length === 0 ? gates : []) {
    console.log(`\n== ${gate}`);
    if (run(npm, ['run', '--silent', gate])) passed += 1;
    else failures.push(`gate ${gate}`);
  }
  console.log('\n== jest');
  const jest = runJest(jestArgs);
  if (jest.passed === 0 && jest.failures.length === 0) jest.failures.push('no test ran');
  passed += jest.passed;
  failures.push(...jest.failures);
}

if (failures.length > 0) console.log(`\nFailed:\n${failures.map((name) => `  ${name}`).join('\n')}`);
console.log(`\n${passed} passed, ${failures.length} failed`);
process.exitCode = failures.length === 0 && passed > 0 ? 0 : 1;
