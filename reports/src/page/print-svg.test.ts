import { describe, expect, it } from 'vitest';
import { CHART_CSS, colourCss } from '../charts/theme.ts';
import { buildReport } from '../model/report.ts';
import { syntheticRun } from '../testing/synthetic.ts';
import { printCss, printSvg } from './print-svg.ts';

describe('charts for print', () => {
  it('leave no custom property and keep the series apart', () => {
    const css = printCss(`${colourCss('.chart')}\n${CHART_CSS}`);
    expect(css).not.toContain('var(');
    expect(css).not.toContain('--');
    expect(css).not.toContain('@media');
    expect(css).toContain('.chart .s0 .boot, .chart .boot.s0 { fill: #0067b3;');
    expect(css).toContain('.chart .s3 .boot, .chart .boot.s3 { fill: #00795a;');
    expect(css).toContain('.chart text { fill: #1b2430; }');
  });

  it('leave none in any chart', () => {
    const report = buildReport(syntheticRun());
    expect(report.charts.length).toBeGreaterThan(4);
    for (const chart of report.charts) expect(printSvg(chart, report.series, { width: 960 })).not.toContain('var(');
  });
});
