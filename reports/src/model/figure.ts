import type {
  Accelerator,
  MetricName,
  Placement,
  Provenance,
  Sample,
  SubjectId,
  VariantRecord,
} from '@plumbline/datasets';
import { group } from 'd3';
import { type Interval, median, medianInterval } from '../statistics/index.ts';
import { RATES } from './metric.ts';

/** Why a boot's value is drawn but takes part in no figure. */
export type Exclusion = 'disturbed' | 'client-bound';

/** One boot's value of a figure. */
export type BootPoint = {
  boot: string;
  value: number;
  /** Slices of about 100 ms behind the value; 1 for what has no slices. */
  slices: number;
  excluded: Exclusion | null;
};

/** One metric of one subject and variant at one point of a workload, on one host and accelerator, in one placement. */
export type Figure = {
  workload: string;
  parameters: Sample['parameters'];
  subject: SubjectId;
  variant: VariantRecord;
  accelerator: Accelerator;
  host: string;
  metric: MetricName;
  unit: string;
  placement: Placement;
  /** Every boot, also those left out of the figure. */
  points: BootPoint[];
  /** Median over the boots used; null when none is. */
  median: number | null;
  /** Null with fewer than five boots. */
  interval: Interval | null;
  /** How many boots are used. */
  boots: number;
  /** Median share of requests that got no answer, where it was recorded. */
  loss: number | null;
  /** Median share of its core that the server used, where it was recorded. */
  serverBusy: number | null;
  /** Medians of the parts of the value (user, kernel, ...), where they were recorded. */
  parts: Record<string, number>;
};

/** JSON with keys in order: equal content, equal text. */
export function canonical(value: Record<string, unknown>): string {
  return JSON.stringify(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
}

/** The identity of a line in a chart. */
export function seriesKey(item: { subject: SubjectId; variant: VariantRecord }): string {
  return `${item.subject}/${item.variant.name}`;
}

/** The identity of what is measured, whoever is measured: workload, parameters and metric on one host. */
export function pointKey(figure: Pick<Figure, 'workload' | 'parameters' | 'metric' | 'host'>): string {
  return JSON.stringify([figure.host, figure.workload, canonical(figure.parameters), figure.metric]);
}

/** A placement with fewer slices than this in a sample of mixed placement says nothing. */
const LEAST_SLICES = 3;

type Reading = { placement: Placement; value: number; slices: number };

/**
 * What one sample says about which placement. A sample of one placement is its value. A throughput sample whose
 * placement changed on the way is split by the placement of its slices; other metrics have no value a slice, and stay
 * `mixed`, which is shown and never compared.
 */
export function readings(sample: Sample): Reading[] {
  const kept = (sample.slices ?? []).filter((slice) => slice.discarded === undefined);
  if (sample.placement === 'mixed' && sample.metric === 'throughput') {
    const split: Reading[] = [];
    for (const placement of ['near', 'far', 'remote'] as const) {
      const slices = kept.filter((slice) => slice.placement === placement);
      if (slices.length < LEAST_SLICES) continue;
      const replies = slices.reduce((sum, slice) => sum + slice.replies, 0);
      const seconds = slices.reduce((sum, slice) => sum + slice.duration_ns, 0) / 1e9;
      split.push({ placement, value: replies / seconds, slices: slices.length });
    }
    if (split.length > 0) return split;
  }
  const slices = kept.filter((slice) => slice.placement === sample.placement).length;
  return [{ placement: sample.placement, value: sample.value, slices: Math.max(1, slices) }];
}

/** Where a sample was taken: samples of one boot, point and placement were measured together. */
const togetherKey = (sample: Sample, placement: Placement) =>
  JSON.stringify([sample.workload, sample.boot.id, canonical(sample.parameters), placement]);

/**
 * The slices behind each measurement. They are recorded with its rate; its latencies were taken in the same ones
 * and must be judged in the same placement.
 */
function slicesTogether(samples: readonly Sample[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const sample of samples) {
    if (!RATES.includes(sample.metric)) continue;
    for (const { placement, slices } of readings(sample)) counts.set(togetherKey(sample, placement), slices);
  }
  return counts;
}

function exclusion(sample: Sample): Exclusion | null {
  if (sample.disturbed) return 'disturbed';
  // Guest and generator together are what an echo guest measures: it is the limit of the pair, never a guest's rate.
  if (sample.clientBound && sample.subject !== 'echo') return 'client-bound';
  return null;
}

function medianOf(values: readonly (number | undefined)[]): number | null {
  const known = values.filter((value) => value !== undefined);
  return known.length === 0 ? null : median(known);
}

function makeFigure(host: string, placement: Placement, readingsOf: { sample: Sample; reading: Reading }[]): Figure {
  const first = readingsOf[0]?.sample;
  if (first === undefined) throw new RangeError('makeFigure: no samples');
  const boots = group(readingsOf, ({ sample }) => sample.boot.id);
  const used: Sample[] = [];
  const points = [...boots].map(([boot, all]): BootPoint => {
    const good = all.filter(({ sample }) => exclusion(sample) === null);
    const chosen = good.length > 0 ? good : all;
    used.push(...good.map(({ sample }) => sample));
    return {
      boot,
      // Samples of one boot are not independent: they become one value before anything is compared.
      value: median(chosen.map(({ reading }) => reading.value)),
      slices: chosen.reduce((sum, { reading }) => sum + reading.slices, 0),
      excluded: good.length > 0 ? null : (all.map(({ sample }) => exclusion(sample))[0] ?? null),
    };
  });
  const values = points.filter((point) => point.excluded === null).map((point) => point.value);
  const partNames = new Set(used.flatMap((sample) => Object.keys(sample.parts ?? {})));
  return {
    workload: first.workload,
    parameters: first.parameters,
    subject: first.subject,
    variant: first.variant,
    accelerator: first.accelerator,
    host,
    metric: first.metric,
    unit: first.unit,
    placement,
    points,
    median: medianOf(values),
    interval: medianInterval(values),
    boots: values.length,
    loss: medianOf(used.map((sample) => sample.loss)),
    serverBusy: medianOf(used.map((sample) => sample.serverBusy)),
    parts: Object.fromEntries([...partNames].map((name) => [name, medianOf(used.map((s) => s.parts?.[name])) ?? 0])),
  };
}

/**
 * All figures that samples hold. Samples of different hosts, accelerators or placements are never put together.
 *
 * @param provenance the records the samples name; a sample whose record is missing counts as of an unknown host
 */
export function figuresOf(samples: readonly Sample[], provenance: readonly Provenance[]): Figure[] {
  const hosts = new Map(provenance.map((record) => [record.id, record.host.id]));
  const together = slicesTogether(samples);
  const entries = samples.flatMap((sample) =>
    readings(sample).map((reading) => ({
      sample,
      reading: { ...reading, slices: together.get(togetherKey(sample, reading.placement)) ?? reading.slices },
      host: hosts.get(sample.provenance) ?? 'unknown host',
    })),
  );
  const groups = group(entries, ({ sample, reading, host }) =>
    JSON.stringify([
      host,
      sample.workload,
      canonical(sample.parameters),
      sample.subject,
      sample.variant.name,
      canonical(sample.variant.values),
      sample.accelerator,
      sample.metric,
      reading.placement,
    ]),
  );
  return [...groups.values()].flatMap((alike) => {
    const first = alike[0];
    return first === undefined ? [] : [makeFigure(first.host, first.reading.placement, alike)];
  });
}
