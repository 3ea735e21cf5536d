// What the quickstart asks: a plan without an LLM, or a question with one.
import { SCHEMA } from './world.mjs';

const query = (id, text, more = {}) => ({
  id,
  tool: 'sql_query',
  parameters: { query: text, ...(more.parameters === undefined ? {} : { parameters: more.parameters }) },
  after: more.after ?? [],
});

/** Which country the second round is about: the first row of the first query. */
const champion = { $ref: 'most_neighbours', pointer: '/rows/0/0' };

/** Three queries at once; two more, also at once, which need the answer of the first; and one after both. */
export const PLAN = {
  steps: [
    query(
      'most_neighbours',
      `SELECT c.code, c.flag || ' ' || c.name AS country, count(*) AS neighbours
       FROM countries c JOIN borders b ON b.country = c.code
       GROUP BY c.code ORDER BY neighbours DESC, c.name LIMIT 5`,
    ),
    query(
      'landlocked',
      `SELECT region, count(*) AS countries, sum(landlocked) AS landlocked
       FROM countries WHERE independent = 1 GROUP BY region ORDER BY landlocked DESC, region`,
    ),
    query(
      'common_languages',
      `SELECT language, count(*) AS countries FROM languages
       GROUP BY code ORDER BY countries DESC, language LIMIT 5`,
    ),
    query(
      'its_largest_neighbours',
      `SELECT c.flag || ' ' || c.name AS neighbour, c.capital, c.area_km2
       FROM borders b JOIN countries c ON c.code = b.neighbour
       WHERE b.country = ? ORDER BY c.area_km2 DESC LIMIT 5`,
      { after: ['most_neighbours'], parameters: [champion] },
    ),
    query(
      'languages_around_it',
      `SELECT l.language, group_concat(c.name, ', ') AS spoken_in
       FROM borders b JOIN countries c ON c.code = b.neighbour JOIN languages l ON l.country = c.code
       WHERE b.country = ? GROUP BY l.code ORDER BY count(*) DESC, l.language LIMIT 5`,
      { after: ['most_neighbours'], parameters: [champion] },
    ),
  ],
};

/** The body of the submission. */
export const taskOf = (question) =>
  question === undefined
    ? { plan: PLAN, metadata: { from: 'quickstart' } }
    : {
        input: question,
        instructions: `You answer questions about the countries of the world from an SQLite database. Look things up with sql_query; never guess. Answer in a few sentences.\n\n${SCHEMA}`,
        tools: ['sql_query'],
        metadata: { from: 'quickstart' },
      };
