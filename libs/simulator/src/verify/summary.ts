import type { Finding } from '../check/finding.js';
import type { ScheduleReport } from '../simulator.js';

/** What many schedules came to. */
export interface Summary {
  schedules: number;
  /** by how they ended */
  sessions: Record<string, number>;
  /** by kind */
  faults: Record<string, number>;
  /** of processes to servers */
  calls: number;
  toolRuns: number;
  /** schedules that broke a promise */
  broken: number;
  /** of the first few of them */
  findings: { seed: number; findings: Finding[] }[];
}

const KEPT_FINDINGS = 5;

export const emptySummary = (): Summary => ({
  schedules: 0,
  sessions: {},
  faults: {},
  calls: 0,
  toolRuns: 0,
  broken: 0,
  findings: [],
});

const addTo = (sums: Record<string, number>, more: Readonly<Record<string, number | undefined>>): void => {
  for (const [name, count = 0] of Object.entries(more)) sums[name] = (sums[name] ?? 0) + count;
};

export const addReport = (summary: Summary, report: ScheduleReport): void => {
  summary.schedules++;
  addTo(summary.sessions, report.statuses);
  addTo(summary.faults, report.faults);
  summary.calls += report.calls;
  summary.toolRuns += report.toolRuns;
  if (report.findings.length === 0) return;
  summary.broken++;
  if (summary.findings.length < KEPT_FINDINGS)
    summary.findings.push({ seed: report.seed, findings: report.findings });
};

export const addSummary = (summary: Summary, part: Summary): void => {
  summary.schedules += part.schedules;
  addTo(summary.sessions, part.sessions);
  addTo(summary.faults, part.faults);
  summary.calls += part.calls;
  summary.toolRuns += part.toolRuns;
  summary.broken += part.broken;
  summary.findings = [...summary.findings, ...part.findings]
    .sort((a, b) => a.seed - b.seed)
    .slice(0, KEPT_FINDINGS);
};
