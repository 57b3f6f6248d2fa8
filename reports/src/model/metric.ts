import type { MetricName } from '@plumbline/datasets';

/** How a metric is named to readers, and which way is better. */
export type MetricDescription = { label: string; short: string; better: 'more' | 'less'; ratioWords: string };

/** Every metric of the dataset. */
export const METRICS: Record<MetricName, MetricDescription> = {
  throughput: { label: 'Throughput', short: 'throughput', better: 'more', ratioWords: 'times the rate' },
  bandwidth: { label: 'Bandwidth', short: 'bandwidth', better: 'more', ratioWords: 'times the bandwidth' },
  'latency-p50': { label: 'Latency, median', short: 'p50', better: 'less', ratioWords: 'times shorter' },
  'latency-p99': { label: 'Latency, 99th percentile', short: 'p99', better: 'less', ratioWords: 'times shorter' },
  'latency-p999': { label: 'Latency, 99.9th percentile', short: 'p99.9', better: 'less', ratioWords: 'times shorter' },
  'instructions-per-request': {
    label: 'Instructions per request',
    short: 'instructions',
    better: 'less',
    ratioWords: 'times fewer',
  },
  'copies-per-request': {
    label: 'Copies of payload per request',
    short: 'copies',
    better: 'less',
    ratioWords: 'times fewer',
  },
  'bytes-copied-per-request': {
    label: 'Bytes of payload copied per request',
    short: 'bytes copied',
    better: 'less',
    ratioWords: 'times fewer',
  },
  'boot-time': { label: 'Boot, VMM start to first answer', short: 'boot', better: 'less', ratioWords: 'times shorter' },
  'guest-boot-time': {
    label: 'Boot, the guest’s own part',
    short: 'guest boot',
    better: 'less',
    ratioWords: 'times shorter',
  },
  'least-memory': { label: 'Least memory that serves', short: 'memory', better: 'less', ratioWords: 'times less' },
  'image-size': { label: 'Image size', short: 'image', better: 'less', ratioWords: 'times smaller' },
  'time-per-operation': { label: 'Time per operation', short: 'time', better: 'less', ratioWords: 'times shorter' },
  'instructions-per-operation': {
    label: 'Instructions per operation',
    short: 'instructions',
    better: 'less',
    ratioWords: 'times fewer',
  },
  'run-time': { label: 'Time of the whole job', short: 'run', better: 'less', ratioWords: 'times shorter' },
  loss: { label: 'Requests without an answer', short: 'loss', better: 'less', ratioWords: 'times less' },
};

/** What is measured slice by slice: the figures that tell where the cores were. */
export const RATES: readonly MetricName[] = ['throughput', 'bandwidth'];

/** The order of metrics in tables. */
export const METRIC_ORDER = Object.keys(METRICS) as MetricName[];
