import { LIGHT_COLOURS, SERIES_COLOURS } from '../charts/theme.ts';
import type { ChartData } from '../model/chart-data.ts';
import type { Series } from '../model/series.ts';
import { chartSvg } from './svg.ts';

type Rule = { selectors: string[]; declarations: string };

/** Splits the flat rules of a style sheet; at-rules (the dark scheme) and states (hover, focus) have no place in print. */
function printRules(css: string): Rule[] {
  const flat = css.replace(/\/\*[\s\S]*?\*\//g, '').replace(/@[^{]+\{(?:[^{}]*\{[^{}]*\})*[^{}]*\}/g, '');
  return [...flat.matchAll(/([^{}]+)\{([^{}]*)\}/g)].flatMap(([, selectors = '', declarations = '']) => {
    const kept = selectors
      .split(',')
      .map((selector) => selector.trim())
      .filter((selector) => selector !== '' && !selector.includes(':'));
    return kept.length === 0 ? [] : [{ selectors: kept, declarations: declarations.trim() }];
  });
}

/** `.chart .boot` within series 3: the mark or one of its ancestors carries the class `s3`. */
function withinSeries(selector: string, index: number): string[] {
  const at = selector.lastIndexOf(' ') + 1;
  return [`${selector.slice(0, at)}.s${index} ${selector.slice(at)}`, `${selector}.s${index}`];
}

/**
 * The style sheet with every custom property replaced by its light value.
 *
 * @param css rules whose colours are custom properties: those of the theme, and `--colour`, the series' own
 */
export function printCss(css: string): string {
  const concrete = (declarations: string, index?: number) =>
    declarations.replace(/var\(--([a-z0-9-]+)\)/g, (whole, name: string) =>
      name === 'colour' && index !== undefined ? (SERIES_COLOURS[index] ?? whole) : (LIGHT_COLOURS[name] ?? whole),
    );
  return printRules(css)
    .flatMap(({ selectors, declarations }) => {
      if (declarations.includes('--colour:') || declarations.includes('--surface:')) return [];
      if (!declarations.includes('var(--colour)')) return [`${selectors.join(', ')} { ${concrete(declarations)} }`];
      return SERIES_COLOURS.map((_, index) => {
        const own = selectors.flatMap((selector) => withinSeries(selector, index));
        return `${own.join(', ')} { ${concrete(declarations, index)} }`;
      });
    })
    .join('\n');
}

/**
 * Draws a chart for print: a standalone SVG in the light colours for renderers without CSS custom properties, which
 * typesetting systems are.
 *
 * @param options.width in pixels, 300 or more
 */
export function printSvg(chart: ChartData, series: readonly Series[], options: { width: number }): string {
  const svg = chartSvg(chart, series, { ...options, standalone: true });
  return svg
    .replace(/<style>([\s\S]*?)<\/style>/g, (_, css: string) => `<style>${printCss(css)}</style>`)
    .replace(/="var\(--([a-z0-9-]+)\)"/g, (whole, name: string) => {
      const value = LIGHT_COLOURS[name];
      return value === undefined ? whole : `="${value}"`;
    });
}
