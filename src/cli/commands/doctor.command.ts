import type { Command } from 'commander';
import type { Diagnosis } from '../../doctor/doctor.js';
import type { Context } from '../context.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { diagnosisLines } from '../view/diagnosis.js';

const CODES: Record<Diagnosis['state'], ExitCode> = {
  well: EXIT.ok,
  settings: EXIT.error,
  unreachable: EXIT.unreachable,
  wrong: EXIT.ill,
  risk: EXIT.atRisk,
};

export const addDoctor = (program: Command, contexts: Context): void => {
  program
    .command('doctor')
    .summary('look at settings, servers and sessions, and say what is wrong and what to do')
    .description(
      'Looks at the settings, which are the server’s environment variables, and with them at Kafka and Redis or the embedded engine’s folder, and asks a running server if one answers at DORMOUSE_URL. Changes nothing. Checks that were not possible are shown with a question mark.',
    )
    .addHelpText('after', '\nExit codes 1 (a setting is wrong), 5, 7 and 8, the first that applies, or 0')
    .action(async (_options: unknown, command: Command) => {
      const { tenant, terminal, json, exit } = contexts.local(command);
      // the other commands need none of what this loads
      const { diagnose } = await import('../../doctor/doctor.js');
      const diagnosis = await diagnose({
        environment: process.env,
        url: () => contexts.urlOf(command),
        tenant,
      });
      terminal.print(json ? JSON.stringify(diagnosis) : diagnosisLines(diagnosis, terminal).join('\n'));
      exit(CODES[diagnosis.state]);
    });
};
