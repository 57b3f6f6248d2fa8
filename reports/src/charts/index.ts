import type { ChartData } from '../model/chart-data.ts';
import type { DrawOptions } from './frame.ts';
import { drawInstructions } from './instructions.ts';
import { drawPercentiles } from './latency-percentiles.ts';
import { drawPanels } from './panels.ts';
import { drawRatio } from './ratio.ts';
import { drawThroughputLatency } from './throughput-latency.ts';

export type { DrawOptions } from './frame.ts';
export { CHART_CSS, colourCss, FONT_STACK } from './theme.ts';

/** Draws any chart into a container of a browser's or jsdom's document. A new kind is one file and one line here. */
export function drawChart(container: Element, chart: ChartData, options: DrawOptions): SVGSVGElement {
  switch (chart.kind) {
    case 'throughput-latency':
      return drawThroughputLatency(container, chart, options);
    case 'latency-percentiles':
      return drawPercentiles(container, chart, options);
    case 'instructions':
      return drawInstructions(container, chart, options);
    case 'boot':
    case 'footprint':
    case 'operations':
    case 'bandwidth':
    case 'copies':
      return drawPanels(container, chart, options);
    case 'ratio':
      return drawRatio(container, chart, options);
  }
}
