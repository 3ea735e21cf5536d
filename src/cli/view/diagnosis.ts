import { type Finding, type FindingState, isFault } from '#contracts';
import type { Diagnosis } from '../../doctor/doctor.js';
import { table } from './table.js';
import type { Terminal } from './terminal.js';

const MARKS: Record<FindingState, string> = { well: '✓', risk: '!', wrong: '✗', unknown: '?' };

const SUMMARIES: Record<Diagnosis['state'], string> = {
  well: 'nothing is wrong',
  risk: 'nothing is wrong, and something is at risk',
  wrong: 'something is wrong',
  unreachable: 'a server is not reached',
  settings: 'a setting is wrong: a start would stop',
};

const shown = (finding: Finding): string => (isFault(finding) ? finding.came : finding.detail);

/** A table of all that was looked at, then what to do about what isn't as it should be. */
export const diagnosisLines = (
  { findings, state }: Diagnosis,
  { columns }: Pick<Terminal, 'columns'>,
): string[] => {
  const rows = findings.map((finding) => [MARKS[finding.state], finding.check, shown(finding)]);
  const faults = findings.filter(isFault);
  return [
    table([{ title: '' }, { title: 'CHECK' }, { title: 'FOUND' }], rows, columns),
    ...faults.flatMap((fault) => [
      '',
      `${MARKS[fault.state]} ${fault.check}`,
      `  expected: ${fault.expected}`,
      `  came:     ${fault.came}`,
      `  to do:    ${fault.advice}`,
    ]),
    '',
    `${SUMMARIES[state]} (${findings.filter(({ state: s }) => s === 'unknown').length} of ${findings.length} checks were not possible)`,
  ];
};
