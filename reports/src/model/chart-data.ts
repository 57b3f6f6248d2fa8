import type { MetricName, Placement } from '@plumbline/datasets';
import type { Verdict } from './comparison.ts';
import type { Exclusion, Figure } from './figure.ts';

/** One boot's value, as a chart draws it. */
export type ChartPoint = { boot: string; value: number; excluded: Exclusion | null };

/** A figure as charts draw it: the median, its interval where there is one, and every boot. */
export type Stat = {
  median: number | null;
  low: number | null;
  high: number | null;
  boots: number;
  points: ChartPoint[];
};

/** What all charts have: where they come from, and what is not in them. */
type ChartFrame = {
  id: string;
  title: string;
  /** One sentence: what was done, where, in which placement. */
  subtitle: string;
  /** What is missing, excluded or needs care, in sentences. */
  notes: string[];
};

export type LoadPoint = {
  /** The window or the rate. */
  label: string;
  sweep: number;
  throughput: Stat;
  p50: Stat | null;
  p99: Stat | null;
  /** Median share of requests without an answer. */
  loss: number | null;
};
export type ThroughputLatencyChart = ChartFrame & {
  kind: 'throughput-latency';
  sweepName: string;
  series: { key: string; points: LoadPoint[] }[];
};

export type PercentileRow = { key: string; p50: Stat | null; p99: Stat | null; p999: Stat | null };
export type PercentilesChart = ChartFrame & {
  kind: 'latency-percentiles';
  groups: { label: string; rows: PercentileRow[] }[];
};

export type InstructionsRow = { key: string; total: Stat; parts: { name: string; value: number; busy: boolean }[] };
export type InstructionsChart = ChartFrame & {
  kind: 'instructions';
  groups: { label: string; rows: InstructionsRow[] }[];
};

export type StatRow = { key: string; label: string; metric: MetricName; stat: Stat };
/** Panels with scales of their own: nothing is compared across them. */
export type PanelsChart = ChartFrame & {
  kind: 'boot' | 'footprint' | 'operations' | 'bandwidth' | 'copies';
  panels: { label: string; metric: MetricName; groups: { label: string; rows: StatRow[] }[] }[];
};

export type RatioRow = {
  key: string;
  /** The point along the sweep; empty without one. */
  label: string;
  metric: MetricName;
  words: string;
  ratio: number;
  low: number | null;
  high: number | null;
  p: number | null;
  verdict: Verdict;
  placement: Placement;
  boots: [number, number];
  baseline: string;
};
export type RatioChart = ChartFrame & {
  kind: 'ratio';
  /** What 1 stands for: the baselines' common name. */
  against: string;
  groups: { label: string; detail: string; blocks: { key: string; rows: RatioRow[] }[] }[];
};

export type ChartData = ThroughputLatencyChart | PercentilesChart | InstructionsChart | PanelsChart | RatioChart;

/** The drawable form of a figure. */
export function statOf(figure: Figure): Stat {
  return {
    median: figure.median,
    low: figure.interval?.low ?? null,
    high: figure.interval?.high ?? null,
    boots: figure.boots,
    points: figure.points.map(({ boot, value, excluded }) => ({ boot, value, excluded })),
  };
}
