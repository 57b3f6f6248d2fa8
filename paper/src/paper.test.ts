import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, vi } from 'vitest';
import { compilePaper, main } from './cli.ts';

const RESULTS = fileURLToPath(new URL('../../datasets/results', import.meta.url));

describe('the paper', () => {
  it('is typeset from the recorded runs', async () => {
    const pdf = await compilePaper(RESULTS, 'latest');
    expect(pdf.subarray(0, 5).toString('latin1')).toBe('%PDF-');
    expect(pdf.length).toBeGreaterThan(50_000);
  });

  it('names the runs there are when asked for another', async () => {
    await expect(compilePaper(join(RESULTS), 'no-such-run')).rejects.toThrow(/no such run in .*; there are: /);
  });

  it('whose place cannot be written ends with the file system’s error, not a stack', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'plumbline-paper-'));
    const complain = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    try {
      const blocked = join(folder, 'file');
      writeFileSync(blocked, '');
      expect(await main(['--out', join(blocked, 'plumbline.pdf')])).toBe(74);
      expect(String(complain.mock.lastCall?.[0])).toMatch(/^(ENOTDIR|EEXIST): .*\n$/);
    } finally {
      complain.mockRestore();
      rmSync(folder, { recursive: true });
    }
  });
});
