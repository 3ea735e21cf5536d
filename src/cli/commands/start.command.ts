import type { Command } from 'commander';

interface StartOptions {
  port?: string;
  host?: string;
  dataDir?: string;
  roles?: string;
}

/** Options stand for the variables of the same meaning, and win over them. */
const VARIABLES = {
  port: 'PORT',
  host: 'HOST',
  dataDir: 'DORMOUSE_DATA_DIR',
  roles: 'DORMOUSE_ROLES',
} as const;

export const addStart = (program: Command): void => {
  program
    .command('start')
    .summary('run the server')
    .description(
      'Runs the server in the foreground until SIGTERM or Ctrl-C. All settings are environment variables; these have options too.',
    )
    .option('--port <n>', 'PORT')
    .option('--host <address>', 'HOST')
    .option('--data-dir <folder>', 'DORMOUSE_DATA_DIR')
    .option('--roles <names>', 'DORMOUSE_ROLES')
    .action(async (options: StartOptions) => {
      const environment = { ...process.env };
      for (const [option, variable] of Object.entries(VARIABLES)) {
        const value = options[option as keyof StartOptions];
        if (value !== undefined) environment[variable] = value;
      }
      // the other commands need none of what the server loads
      const { run } = await import('../../run.js');
      await run(environment);
    });
};
