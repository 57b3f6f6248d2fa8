import type { PerformanceEntry } from 'node:perf_hooks';
import * as hdr from 'hdr-histogram-js';

/** One hour: no duration measured here is longer. */
const HIGHEST_NS = 3_600_000_000_000;

/**
 * An HDR histogram (three significant digits, ns) of the durations of performance entries.
 * @param entries as from `performance.getEntriesByType('measure')`; their durations are in ms.
 */
export function histogramOfEntries(entries: Iterable<Pick<PerformanceEntry, 'duration'>>): hdr.Histogram {
  const histogram = hdr.build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: HIGHEST_NS,
    numberOfSignificantValueDigits: 3,
    bitBucketSize: 64,
    useWebAssembly: false,
  });
  for (const entry of entries) histogram.recordValue(Math.min(HIGHEST_NS, Math.round(entry.duration * 1e6)));
  return histogram;
}
