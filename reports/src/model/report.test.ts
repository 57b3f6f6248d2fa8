import { describe, expect, it } from 'vitest';
import { syntheticRun } from '../testing/synthetic.ts';
import type { PanelsChart, RatioChart, ThroughputLatencyChart } from './chart-data.ts';
import type { Comparison } from './comparison.ts';
import { losses } from './ratio-chart.ts';
import { buildReport } from './report.ts';

const report = buildReport(syntheticRun());

describe('a report', () => {
  it('has every chart', () => {
    expect(report.charts.map((chart) => chart.kind)).toEqual([
      'throughput-latency',
      'latency-percentiles',
      'bandwidth',
      'ratio',
      'ratio',
      'copies',
      'instructions',
      'boot',
      'footprint',
    ]);
  });

  it('says where zero-copy loses', () => {
    const queues = report.charts.find((chart) => chart.id === 'zero-copy-to-copy') as RatioChart;
    expect(queues.notes[0]).toMatch(
      /^Zero-copy loses at: tcp-stream, message 1024, direction .*message 1024.*\(0\.\d+×\)\.$/,
    );
    expect(queues.notes[0]).not.toContain('65536');
    const rows = queues.groups.flatMap(({ blocks }) => blocks.flatMap(({ rows: own }) => own));
    expect(rows.map(({ metric }) => metric)).toEqual(rows.map(() => 'bandwidth'));
    expect(rows.map(({ baseline }) => baseline)).toEqual(rows.map(() => 'copy'));
  });

  it('calls nothing a loss that has too few boots for a verdict', () => {
    const subject = { workload: 'tcp-stream', parameters: { message: 64 }, metric: 'bandwidth', subject: 'plumbline' };
    const comparison = (verdict: string, ratio: number) => ({ subject, verdict, ratio }) as unknown as Comparison;
    expect(losses([comparison('points only', 0.5), comparison('better', 2)])).toEqual([
      'Zero-copy loses at no point that could be compared.',
      expect.stringMatching(/^Below 1, too few boots to say: tcp-stream, message 64.*0\.5/),
    ]);
    expect(losses([comparison('points only', 1.5)])).toEqual([expect.stringMatching(/^At no point/)]);
    expect(losses([comparison('worse', 0.9)])).toEqual([expect.stringMatching(/^Zero-copy loses at: tcp-stream/)]);
  });

  it('says what is excluded, missing or lost', () => {
    const load = report.charts[0] as ThroughputLatencyChart;
    expect(load.subtitle).toContain('cores near');
    const notes = load.notes.join('\n');
    expect(notes).toMatch(/1 measurement was disturbed/);
    expect(notes).toMatch(/1 measurement was limited by the load generator/);
    expect(notes).toMatch(/linux-host: no usable boot in this placement at window 512/);
    expect(notes).toMatch(/linux-host left requests unanswered: at most 1\.20 % \(window 128, mix get\)/);
    const plumbline = load.series.find((s) => s.key === 'plumbline/default');
    expect(plumbline?.points[2]?.throughput.points.filter((p) => p.excluded === 'disturbed')).toHaveLength(1);
    expect(plumbline?.points.map((point) => point.label)).toEqual(['1', '8', '32', '128', '512']);
  });

  it('has a boot panel an accelerator, with nothing that ran in virtual time', () => {
    const boot = report.charts.find((chart) => chart.kind === 'boot') as PanelsChart;
    expect(boot.panels.map((panel) => panel.label)).toEqual(['KVM (kvm_pvm)', 'TCG']);
    const own = boot.panels[1]?.groups[1]?.rows.filter((row) => row.key === 'plumbline/default');
    expect(own).toHaveLength(1);
    expect(own?.[0]?.label).toBe('plumbline');
  });

  it('has every figure in its table once, and no ratio between KVM and TCG', () => {
    expect(report.rows).toHaveLength(report.figures.length);
    for (const { comparison } of report.rows) {
      if (comparison === null) continue;
      expect(comparison.subject.accelerator === 'tcg').toBe(comparison.baseline.accelerator === 'tcg');
    }
  });

  it('quotes window 128 in its headlines', () => {
    expect(report.headlines.map((headline) => headline.label)).toContain('Throughput');
    expect(report.headlines[0]?.detail).toContain('window 128');
  });

  it('keeps hosts in charts of their own', () => {
    const run = syntheticRun();
    const other = run.provenance.map((p) => ({
      ...p,
      id: `${'0'.repeat(8)}${p.id.slice(8)}`,
      host: { ...p.host, id: 'other' },
    }));
    const samples = run.samples.map((s) => ({ ...s, provenance: `${'0'.repeat(8)}${s.provenance.slice(8)}` }));
    const both = buildReport({ samples: [...run.samples, ...samples], provenance: [...run.provenance, ...other] });
    expect(both.charts).toHaveLength(2 * report.charts.length);
    expect(new Set(both.charts.map((chart) => chart.id)).size).toBe(both.charts.length);
    expect(both.comparisons).toHaveLength(2 * report.comparisons.length);
  });

  it('draws boots that were all left out, as what they are', () => {
    const { samples, provenance } = syntheticRun();
    const disturbed = buildReport({ samples: samples.map((s) => ({ ...s, disturbed: true })), provenance });
    const load = disturbed.charts[0] as ThroughputLatencyChart;
    expect(load.subtitle).toContain('cores near');
    const points = load.series.flatMap((s) => s.points.flatMap((p) => p.throughput.points));
    expect(points.length).toBeGreaterThan(50);
    expect(points.every((point) => point.excluded === 'disturbed')).toBe(true);
    expect(disturbed.rows.some((row) => row.primary && row.figure.placement === 'near')).toBe(true);
    expect(disturbed.comparisons).toEqual([]);
  });

  it('of nothing is empty', () => {
    const empty = buildReport({ samples: [], provenance: [] });
    expect(empty.charts).toEqual([]);
    expect(empty.rows).toEqual([]);
  });
});
