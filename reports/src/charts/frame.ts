import { type Selection, select } from 'd3';
import type { ChartData } from '../model/chart-data.ts';
import type { Series } from '../model/series.ts';
import { CHART_CSS, colourCss } from './theme.ts';

/** How a chart is drawn. The same functions draw in a browser and in jsdom: nothing here asks for a layout. */
export type DrawOptions = {
  /** Pixels, 300 or more. */
  width: number;
  series: readonly Series[];
  /** Keys of series that are switched off. */
  hidden?: ReadonlySet<string>;
  /** A file of its own: with styles, background, title and notes inside, and native tooltips. */
  standalone?: boolean;
};

export type Group = Selection<SVGGElement, unknown, null, undefined>;

/** Rough width of text: no layout engine is at hand on the server, so the widest usual sans serif is assumed. */
export function textWidth(text: string, size = 12): number {
  return text.length * size * 0.6;
}

/** Breaks text into lines of at most `width` pixels. */
export function wrapText(text: string, width: number, size = 12): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && textWidth(`${last} ${word}`, size) <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

const MARGIN = 16;

/**
 * Makes the chart's SVG in a container and draws its body into it.
 *
 * @param body draws into a group as wide as `width`, and returns the height it used
 */
export function drawFrame(
  container: Element,
  chart: ChartData,
  options: DrawOptions,
  body: (root: Group, width: number) => number,
): SVGSVGElement {
  const { width, standalone = false } = options;
  const svg = select(container)
    .append('svg')
    .attr('xmlns', 'http://www.w3.org/2000/svg')
    .attr('class', `chart chart-${chart.kind}`)
    .attr('role', 'figure')
    .attr('aria-labelledby', `${chart.id}-title ${chart.id}-desc`);
  svg.append('title').attr('id', `${chart.id}-title`).text(chart.title);
  svg
    .append('desc')
    .attr('id', `${chart.id}-desc`)
    .text([chart.subtitle, ...chart.notes].join('. '));
  let y = 0;
  const inner = standalone ? width - 2 * MARGIN : width;
  if (standalone) {
    svg.append('style').text(`${colourCss('svg.chart')}\n${CHART_CSS}`);
    svg
      .append('rect')
      .attr('class', 'background')
      .attr('width', '100%')
      .attr('height', '100%')
      .attr('fill', 'var(--surface)');
    y = MARGIN + 16;
    svg.append('text').attr('class', 'chart-title').attr('x', MARGIN).attr('y', y).text(chart.title);
    for (const line of wrapText(chart.subtitle, inner)) {
      y += 18;
      svg.append('text').attr('class', 'chart-subtitle').attr('x', MARGIN).attr('y', y).text(line);
    }
    y += 18;
  }
  const root = svg.append('g').attr('transform', standalone ? `translate(${MARGIN},${y})` : null);
  y += body(root, inner);
  if (standalone) {
    for (const note of chart.notes) {
      for (const line of wrapText(note, inner, 11)) {
        y += 16;
        svg.append('text').attr('class', 'chart-note small').attr('x', MARGIN).attr('y', y).text(line);
      }
    }
    y += MARGIN;
  }
  const height = Math.ceil(y);
  svg.attr('width', width).attr('height', height).attr('viewBox', `0 0 ${width} ${height}`);
  const node = svg.node();
  if (node === null) throw new Error('the document made no svg element');
  return node;
}

/** A group for the marks of one series, with its tooltip. */
export function markGroup(root: Group, options: DrawOptions, key: string, tip: readonly string[]): Group {
  const series = options.series.find((s) => s.key === key);
  const mark = root
    .append('g')
    .attr('class', `mark s${series?.colour ?? 7}`)
    .attr('data-series', key);
  if (options.standalone) mark.append('title').text(tip.join('\n'));
  else {
    mark.attr('tabindex', 0).attr('role', 'img').attr('aria-label', tip.join(', ')).attr('data-tip', tip.join('\n'));
  }
  return mark;
}

/** The series to draw, with those switched off left out. */
export function isShown(options: DrawOptions, key: string): boolean {
  return !(options.hidden?.has(key) ?? false);
}

/** What a reader calls a series. */
export function seriesLabel(options: DrawOptions, key: string): string {
  return options.series.find((s) => s.key === key)?.label ?? key;
}
