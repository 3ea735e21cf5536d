/** What a setting's text was read as, or what was expected instead. */
export type Reading<T> = { ok: true; value: T } | { ok: false; expected: string };

/** Reads the text of one variable. It is never given an empty text: an empty variable counts as unset. */
export type Reader<T> = (text: string) => Reading<T>;

/** One row of the table of settings. */
export interface Setting<T> {
  read: Reader<T>;
  /** what it is for and what to set it to: the last sentence of an error about it */
  advice: string;
  /** its value must not be printed */
  secret?: boolean;
}

const ok = <T>(value: T): Reading<T> => ({ ok: true, value });
const expected = <T>(what: string): Reading<T> => ({ ok: false, expected: what });

export const text: Reader<string> = (value) => ok(value);

/** Text of a known form. */
export const matching =
  (pattern: RegExp, what: string): Reader<string> =>
  (value) =>
    pattern.test(value) ? ok(value) : expected(what);

export const wholeNumber =
  (min: number, max: number, unit = ''): Reader<number> =>
  (value) => {
    const number = /^\d{1,16}$/.test(value) ? Number(value) : NaN;
    if (number >= min && number <= max) return ok(number);
    return expected(`a whole number${unit === '' ? '' : ` of ${unit}`} from ${min} to ${max}`);
  };

const BYTE_UNITS: Record<string, number> = { '': 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 };

/** A size in bytes: `65536`, `64KiB`, `1 MiB`. */
export const bytes =
  (min: number, max: number): Reader<number> =>
  (value) => {
    const parts = /^(\d{1,16}) ?(KiB|MiB|GiB)?$/.exec(value);
    const size = parts === null ? NaN : Number(parts[1]) * (BYTE_UNITS[parts[2] ?? ''] ?? NaN);
    if (size >= min && size <= max) return ok(size);
    return expected(`a size from ${min} to ${max} bytes, such as 65536, 64KiB or 1MiB`);
  };

export const oneOf =
  <T extends string>(...names: readonly T[]): Reader<T> =>
  (value) => {
    const found = names.find((name) => name === value);
    return found === undefined ? expected(`one of ${names.join(', ')}`) : ok(found);
  };

export const yesOrNo: Reader<boolean> = (value) => {
  if (value === 'true' || value === '1') return ok(true);
  if (value === 'false' || value === '0') return ok(false);
  return expected('true or false');
};

/** Comma separated; spaces around an entry are left off, and no entry may be empty or wrong. */
export const list =
  <T>(entry: Reader<T>): Reader<readonly T[]> =>
  (value) => {
    const values: T[] = [];
    for (const part of value.split(',').map((p) => p.trim())) {
      if (part === '') return expected('entries separated by single commas, none of them empty');
      const reading = entry(part);
      if (!reading.ok) return expected(`each entry to be ${reading.expected}`);
      values.push(reading.value);
    }
    return ok(Object.freeze(values));
  };

/** An absolute URL with one of these schemes (`http`, `rediss`, …). */
export const url =
  (...schemes: readonly string[]): Reader<string> =>
  (value) => {
    const parsed = URL.canParse(value) ? new URL(value) : undefined;
    if (parsed !== undefined && parsed.host !== '' && schemes.includes(parsed.protocol.slice(0, -1)))
      return ok(value);
    return expected(`a URL such as ${schemes.map((scheme) => `${scheme}://host`).join(' or ')}`);
  };

const HOST_LABEL = '[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?';
const HOST = `${HOST_LABEL}(\\.${HOST_LABEL})*\\.?`;

const portInRange = (value: string): boolean => {
  const port = /:(\d+)$/.exec(value)?.[1];
  return port === undefined || (Number(port) >= 1 && Number(port) <= 65_535);
};

/** `host:port`. */
export const hostAndPort: Reader<string> = (value) =>
  new RegExp(`^(${HOST}|\\[[0-9A-Fa-f:.]+\\]):\\d{1,5}$`).test(value) && portInRange(value)
    ? ok(value)
    : expected('host:port');

/** `api.example.com`, `127.0.0.1:8080`, `*.example.com`. */
export const allowedHost: Reader<string> = (value) =>
  new RegExp(`^(\\*\\.)?(${HOST}|\\[[0-9A-Fa-f:.]+\\])(:\\d{1,5})?$`).test(value) && portInRange(value)
    ? ok(value.toLowerCase())
    : expected('a host, host:port or *.host (no scheme, no path)');
