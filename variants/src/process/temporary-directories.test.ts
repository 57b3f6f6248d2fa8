import { mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { removeStaleDirectories } from './temporary-directories.ts';

it('removes old unfinished work, and nothing else', async () => {
  const parent = mkdtempSync(join(tmpdir(), 'plumbline-stale-'));
  try {
    for (const name of ['.apt-old', '.apt-new', 'finished']) mkdirSync(join(parent, name));
    const longAgo = new Date(Date.now() - 7_200_000);
    for (const name of ['.apt-old', 'finished']) utimesSync(join(parent, name), longAgo, longAgo);
    await removeStaleDirectories(parent, /^\.apt-/);
    expect(readdirSync(parent).sort()).toEqual(['.apt-new', 'finished']);
  } finally {
    rmSync(parent, { recursive: true, force: true });
  }
});
