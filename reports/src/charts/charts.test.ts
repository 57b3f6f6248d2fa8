import { JSDOM } from 'jsdom';
import { describe, expect, it } from 'vitest';
import type { ChartData } from '../model/chart-data.ts';
import { buildReport } from '../model/report.ts';
import { chartSvg } from '../page/svg.ts';
import { syntheticRun } from '../testing/synthetic.ts';
import { drawChart } from './index.ts';

const { charts, series } = buildReport(syntheticRun());

/** One element a line, so that a change of a drawing can be read. */
const readable = (svg: string) => `${svg.replace(/></g, '>\n<')}\n`;

/** A chart's drawing is called like its kind, or, where there are more of a kind, like the chart. */
const nameOf = (chart: ChartData): string =>
  charts.find(({ kind }) => kind === chart.kind) === chart ? chart.kind : chart.id;

function draw(name: string, width: number, hidden: string[] = []): SVGSVGElement {
  const chart = charts.find((candidate) => nameOf(candidate) === name);
  if (chart === undefined) throw new Error(`no chart ${name}`);
  const { document } = new JSDOM('<!doctype html><body></body>').window;
  return drawChart(document.body, chart, { width, series, hidden: new Set(hidden) });
}

describe.each(charts.map((chart) => [nameOf(chart), chart] as const))('the %s chart', (kind, chart) => {
  it('is drawn as it was', async () => {
    await expect(readable(chartSvg(chart, series, { width: 960, standalone: true }))).toMatchFileSnapshot(
      `drawings/${kind}.svg`,
    );
  });

  it('is drawn as it was on a telephone', async () => {
    await expect(readable(draw(kind, 332).outerHTML)).toMatchFileSnapshot(`drawings/${kind}-narrow.svg`);
  });

  it('has no coordinate that is not a number and nothing right of its edge', () => {
    for (const width of [300, 332, 700, 1092]) {
      const svg = draw(kind, width);
      expect(svg.outerHTML).not.toMatch(/NaN|Infinity|undefined/);
      for (const text of svg.querySelectorAll('text')) {
        if (text.getAttribute('text-anchor') !== null) continue;
        expect(Number(text.getAttribute('x'))).toBeLessThan(width);
      }
    }
  });

  it('has a title, a description and a tooltip on every mark', () => {
    const svg = draw(kind, 800);
    expect(svg.querySelector('title')?.textContent).toBe(chart.title);
    expect(svg.querySelector('desc')?.textContent).toContain(chart.subtitle);
    const marks = [...svg.querySelectorAll('.mark')];
    expect(marks.length).toBeGreaterThan(1);
    for (const mark of marks) {
      expect(mark.getAttribute('data-tip')).toBeTruthy();
      expect(mark.getAttribute('tabindex')).toBe('0');
    }
  });

  it('leaves out what is switched off, and the scales stay', () => {
    const all = draw(kind, 800);
    const first = all.querySelector('.mark')?.getAttribute('data-series') ?? '';
    const off = draw(kind, 800, [first]);
    expect(all.querySelectorAll(`[data-series="${first}"]`).length).toBeGreaterThan(0);
    expect(off.querySelectorAll(`[data-series="${first}"]`)).toHaveLength(0);
    const ticks = (svg: SVGSVGElement) => [
      ...new Set([...svg.querySelectorAll('.tick')].map((tick) => tick.textContent)),
    ];
    if (kind === 'throughput-latency') expect(ticks(off)).toEqual(ticks(all));
  });
});

it('every boot is a point of its own, also those left out', () => {
  const { samples } = syntheticRun();
  const boots = (subject: string, window: number) =>
    samples.filter(
      (s) =>
        s.metric === 'throughput' &&
        s.subject === subject &&
        s.variant.name !== 'halt' &&
        s.parameters.window === window &&
        s.placement === 'near',
    );
  const svg = draw('throughput-latency', 1000);
  const panel = svg.querySelector('.panel-p50');
  const marks = [...(panel?.querySelectorAll('.mark[data-series="plumbline/default"]') ?? [])];
  expect(
    marks.map((mark) => mark.querySelectorAll('.boot').length + mark.querySelectorAll('.excluded').length),
  ).toEqual([1, 8, 32, 128, 512].map((window) => boots('plumbline', window).length));
  expect(panel?.querySelectorAll('.mark[data-series="plumbline/default"] .excluded')).toHaveLength(2);
});

it('three boots are points with hollow medians and no interval', () => {
  const quick = buildReport(syntheticRun(3));
  const { document } = new JSDOM('<!doctype html><body></body>').window;
  for (const chart of quick.charts) {
    const svg = drawChart(document.body, chart, { width: 800, series: quick.series });
    expect(svg.querySelectorAll('.interval')).toHaveLength(0);
  }
});
