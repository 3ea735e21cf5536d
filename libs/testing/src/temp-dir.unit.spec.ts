import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { tempDir } from './temp-dir.js';

describe('tempDir', () => {
  it('is there, is fresh, and goes with all that is in it', () => {
    const one = tempDir();
    const other = tempDir();
    expect(one.path).not.toBe(other.path);
    writeFileSync(join(one.path, 'file'), 'x');
    one.remove();
    expect(existsSync(one.path)).toBe(false);
    one.remove();
    expect(existsSync(other.path)).toBe(true);
    other.remove();
  });
});
