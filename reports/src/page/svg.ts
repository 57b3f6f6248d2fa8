import { JSDOM } from 'jsdom';
import { drawChart } from '../charts/index.ts';
import type { ChartData } from '../model/chart-data.ts';
import type { Series } from '../model/series.ts';

/** Draws a chart on the server and gives its SVG as text; standalone ones carry their styles, title and notes. */
export function chartSvg(
  chart: ChartData,
  series: readonly Series[],
  options: { width: number; standalone: boolean },
): string {
  const { document } = new JSDOM('<!doctype html><body></body>').window;
  return drawChart(document.body, chart, { ...options, series }).outerHTML;
}
