import { summarySchema } from '@plumbline/datasets';
import { expect, it } from 'vitest';
import { summarise } from './summaries.ts';
import { syntheticRun } from './testing/synthetic.ts';

it('gives one valid summary for each figure, with bounds from five boots on', () => {
  const { samples, provenance } = syntheticRun();
  const summaries = summarise(samples, provenance);
  for (const summary of summaries) {
    expect(summarySchema.parse(summary)).toEqual(summary);
    expect(summary.low === null).toBe(summary.boots < 5);
    if (summary.low !== null && summary.high !== null) {
      expect(summary.low).toBeLessThanOrEqual(summary.median);
      expect(summary.high).toBeGreaterThanOrEqual(summary.median);
    }
  }
  const near = summaries.filter(
    (s) => s.metric === 'throughput' && s.subject === 'echo' && s.parameters.window === 1 && s.placement === 'near',
  );
  expect(near).toHaveLength(1);
  expect(near[0]?.boots).toBe(5);
});
