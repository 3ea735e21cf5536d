import { fault, type SettingFault, SettingsError } from './setting-fault.js';
import { faultsBetween, type Settings, settingsOf } from './settings.js';
import { type ReadValues, SETTING_NAMES, TABLE } from './table.js';

export type Environment = Readonly<Record<string, string | undefined>>;

const SHOWN_CHARS = 80;

const shown = (value: string, secret: boolean): string => {
  if (secret) return `a value of ${value.length} characters (not shown: it may hold a secret)`;
  return JSON.stringify(value.length > SHOWN_CHARS ? `${value.slice(0, SHOWN_CHARS)}…` : value);
};

const freeze = <T extends object>(value: T): T => {
  for (const part of Object.values(value))
    if (typeof part === 'object' && part !== null) freeze(part as object);
  return Object.freeze(value);
};

const valuesOf = (environment: Environment, faults: SettingFault[]): ReadValues => {
  const values: Record<string, unknown> = {};
  for (const name of SETTING_NAMES) {
    const text = environment[name]?.trim();
    if (text === undefined || text === '') continue;
    const { read, advice, secret } = TABLE[name];
    const reading = read(text);
    if (reading.ok) values[name] = reading.value;
    else faults.push(fault(name, reading.expected, shown(text, secret === true), advice));
  }
  return values;
};

/**
 * Reads and checks all settings. Names every wrong one at once, so that one start shows all there is to repair.
 *
 * Errors: {@link SettingsError}
 */
export const readSettings = (environment: Environment): Settings => {
  const faults: SettingFault[] = [];
  const values = valuesOf(environment, faults);
  // what holds between settings is only worth telling when each of them could be read
  if (faults.length === 0) faults.push(...faultsBetween(values));
  if (faults.length > 0) throw new SettingsError(faults);
  return freeze(settingsOf(values));
};

/** Where the command line finds the server: `DORMOUSE_URL`, or the server's own host and port. No other setting is read. */
export const readServerUrl = (environment: Environment): string => {
  const faults: SettingFault[] = [];
  const { DORMOUSE_URL, HOST, PORT } = environment;
  const values = valuesOf({ DORMOUSE_URL, HOST, PORT }, faults);
  if (faults.length > 0) throw new SettingsError(faults);
  if (values.DORMOUSE_URL !== undefined) return values.DORMOUSE_URL.replace(/\/+$/, '');
  const { host, port } = settingsOf(values).http;
  // a server on all addresses is reached by the loopback one
  const reachable = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  return `http://${reachable.includes(':') ? `[${reachable}]` : reachable}:${port}`;
};

const distance = (a: string, b: string): number => {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++)
      next.push(
        Math.min(
          (row[j] ?? 0) + 1,
          (next[j - 1] ?? 0) + 1,
          (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1),
        ),
      );
    row = next;
  }
  return row[b.length] ?? 0;
};

const NEAR = 3;

/** A sentence for each variable that looks like a misspelt one of ours. It may be somebody else's: no reason to stop. */
export const misspelt = (environment: Environment): string[] =>
  Object.keys(environment)
    .filter((name) => name.startsWith('DORMOUSE_') && !(name in TABLE))
    .flatMap((name) => {
      const near = SETTING_NAMES.find((known) => distance(known, name) <= NEAR);
      return near === undefined ? [] : [`${name} is set, but is no setting; did you mean ${near}?`];
    });
