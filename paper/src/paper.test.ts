import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { compilePaper } from './cli.ts';

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
});
