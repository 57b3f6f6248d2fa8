import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { PICTURE, replaceSection, showcase } from './readme.ts';
import { ROOT } from './stage.ts';

describe('the README', () => {
  it('shows what the recorded data say, nothing typed by hand', async () => {
    const readme = await readFile(join(ROOT, 'README.md'), 'utf8');
    const run = /npm run readme -- --run ([^`]+)`/.exec(readme)?.[1];
    expect(run, 'README.md names no run').toBeDefined();
    const { section, picture } = await showcase(run ?? '');
    expect(replaceSection(readme, section)).toBe(readme);
    expect(await readFile(join(ROOT, PICTURE), 'utf8')).toBe(`${picture}\n`);
  });
});
