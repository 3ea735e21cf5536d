// A real open data set (mledoze/countries, ODbL) as an SQLite database: what the quickstart's agent reads.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import Database from 'libsql';

/** What an LLM is told of the database; also how it is made. */
export const SCHEMA = `CREATE TABLE countries (
  code TEXT PRIMARY KEY,      -- ISO 3166-1 alpha-3, e.g. CHE
  name TEXT NOT NULL,
  official_name TEXT NOT NULL,
  capital TEXT,
  region TEXT NOT NULL,       -- Africa, Americas, Antarctic, Asia, Europe, Oceania
  subregion TEXT,
  area_km2 REAL NOT NULL,
  landlocked INTEGER NOT NULL,  -- 0 or 1
  independent INTEGER,          -- 0 or 1; NULL: disputed
  un_member INTEGER NOT NULL,   -- 0 or 1
  flag TEXT NOT NULL
);
CREATE TABLE borders (          -- both directions are there
  country TEXT NOT NULL REFERENCES countries(code),
  neighbour TEXT NOT NULL REFERENCES countries(code),
  PRIMARY KEY (country, neighbour)
);
CREATE TABLE languages (        -- official languages
  country TEXT NOT NULL REFERENCES countries(code),
  code TEXT NOT NULL,           -- ISO 639-3
  language TEXT NOT NULL,       -- in English
  PRIMARY KEY (country, code)
);
CREATE TABLE currencies (
  country TEXT NOT NULL REFERENCES countries(code),
  code TEXT NOT NULL,           -- ISO 4217
  currency TEXT NOT NULL,
  PRIMARY KEY (country, code)
);`;

const flag = (value) => (value === null || value === undefined ? null : Number(value));

/** Writes the database; returns how many rows each table has. */
export function makeWorld(file) {
  const source = createRequire(import.meta.url).resolve('world-countries/countries.json');
  const countries = JSON.parse(readFileSync(source, 'utf8'));
  const db = new Database(file);
  try {
    db.exec(SCHEMA);
    const insert = {
      countries: db.prepare('INSERT INTO countries VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)'),
      borders: db.prepare('INSERT INTO borders VALUES (?, ?)'),
      languages: db.prepare('INSERT INTO languages VALUES (?, ?, ?)'),
      currencies: db.prepare('INSERT INTO currencies VALUES (?, ?, ?)'),
    };
    const known = new Set(countries.map((country) => country.cca3));
    const counts = { countries: 0, borders: 0, languages: 0, currencies: 0 };
    const add = (table, ...values) => {
      insert[table].run(...values);
      counts[table] += 1;
    };
    db.exec('BEGIN');
    for (const c of countries)
      add(
        'countries',
        c.cca3,
        c.name.common,
        c.name.official,
        c.capital[0] ?? null,
        c.region,
        c.subregion || null,
        c.area,
        flag(c.landlocked),
        flag(c.independent),
        flag(c.unMember),
        c.flag,
      );
    for (const c of countries) {
      for (const neighbour of c.borders) if (known.has(neighbour)) add('borders', c.cca3, neighbour);
      for (const [code, language] of Object.entries(c.languages)) add('languages', c.cca3, code, language);
      for (const [code, { name }] of Object.entries(c.currencies)) add('currencies', c.cca3, code, name);
    }
    db.exec('COMMIT');
    return counts;
  } finally {
    db.close();
  }
}
