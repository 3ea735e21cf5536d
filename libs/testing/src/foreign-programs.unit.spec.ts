import { afterEach, expect, it } from '@jest/globals';
import { goProgram, pythonWith } from './foreign-programs.js';

const { PATH } = process.env;
afterEach(() => {
  process.env.PATH = PATH;
});

it('says what to install where there is no Python or no Go', () => {
  process.env.PATH = '';
  expect(() => pythonWith('requirements.txt')).toThrow(
    'No Python to run requirements.txt with. Install Python 3.9 or later with venv and pip (Debian: ',
  );
  expect(() => goProgram('examples')).toThrow('No Go to build examples with. Install Go 1.23 or later (');
});
