import type { Provenance, Sample, Summary } from '@plumbline/datasets';
import { type Figure, figuresOf } from './model/figure.ts';

/** A figure as `--json` writes it; null when no boot of it may be used. */
export function summaryOf(figure: Figure): Summary | null {
  if (figure.median === null) return null;
  return {
    workload: figure.workload,
    parameters: figure.parameters,
    subject: figure.subject,
    variant: figure.variant,
    accelerator: figure.accelerator,
    placement: figure.placement,
    metric: figure.metric,
    unit: figure.unit,
    median: figure.median,
    low: figure.interval?.low ?? null,
    high: figure.interval?.high ?? null,
    boots: figure.boots,
  };
}

/**
 * Figures over boots: one for each workload, parameters, subject, variant, accelerator, placement and metric.
 *
 * @param samples of one run or of several
 * @param provenance the records the samples name, which tell hosts apart
 * @returns `low` and `high` are the 95 % BCa interval of the median, null with fewer than five boots
 */
export function summarise(samples: readonly Sample[], provenance: readonly Provenance[] = []): Summary[] {
  return figuresOf(samples, provenance)
    .map(summaryOf)
    .filter((summary) => summary !== null);
}
