import type { Histograms } from '#telemetry';

export interface Sample {
  labels: Readonly<Record<string, string>>;
  value: number;
}

/** A number, or one for each combination of labels, read when somebody scrapes. */
export interface NumberDefinition {
  /** `counter`: since the start of the process, never less than before */
  kind: 'counter' | 'gauge';
  name: string;
  help: string;
  labels: readonly string[];
  /** Promised where it has to be asked for; it must answer soon and never reject. */
  read: () => Iterable<Sample> | Promise<Iterable<Sample>>;
}

export interface HistogramDefinition {
  kind: 'histogram';
  name: string;
  help: string;
  /** what the histograms are told apart by */
  label: string;
  read: () => Histograms;
}

export type Definition = NumberDefinition | HistogramDefinition;

/** One number without labels. */
export const single = (
  kind: NumberDefinition['kind'],
  name: string,
  help: string,
  read: () => number,
): NumberDefinition => ({ kind, name, help, labels: [], read: () => [{ labels: {}, value: read() }] });

/** A number for each value of one label. */
export const labelled = (
  kind: NumberDefinition['kind'],
  name: string,
  help: string,
  label: string,
  read: () => Readonly<Record<string, number>>,
): NumberDefinition => ({
  kind,
  name,
  help,
  labels: [label],
  read: () => Object.entries(read()).map(([of, value]) => ({ labels: { [label]: of }, value })),
});
