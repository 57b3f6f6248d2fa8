/**
 * The colours and type of charts and page. The series colours are Okabe and Ito's set for colour-blind readers,
 * darkened or lightened until each has at least 3:1 against its background; shapes and direct labels say the same.
 */

const LIGHT = `
  --surface: #ffffff; --raised: #f6f7f9; --ink: #1b2430; --muted: #586374; --faint: #8b95a5; --rule: #d9dee6; --grid: #e9edf2;
  --link: #0b5cad;
  --series-0: #0067b3; --series-1: #c9510c; --series-2: #b0457f; --series-3: #00795a;
  --series-4: #2b8fc6; --series-5: #9a7400; --series-6: #6b4fa0; --series-7: #667080;`;

const DARK = `
  --surface: #12161c; --raised: #1a2028; --ink: #e7ebf1; --muted: #a3aebd; --faint: #76818f; --rule: #323b47; --grid: #232b35;
  --link: #7db8ff;
  --series-0: #58a9f2; --series-1: #f2924e; --series-2: #e58abb; --series-3: #3fc79b;
  --series-4: #8fd0f5; --series-5: #e5c04b; --series-6: #b9a2f0; --series-7: #99a4b3;`;

function coloursOf(declarations: string): Record<string, string> {
  return Object.fromEntries(
    [...declarations.matchAll(/--([a-z0-9-]+): ([^;]+);/g)].map(([, name, value]) => [name, value]),
  );
}

/** The light scheme by name, for what has no custom properties. */
export const LIGHT_COLOURS: Readonly<Record<string, string>> = coloursOf(LIGHT);

/** The light scheme's series colours in order. */
export const SERIES_COLOURS: readonly string[] = Array.from(
  { length: 8 },
  (_, i) => LIGHT_COLOURS[`series-${i}`] ?? '',
);

export const FONT_STACK =
  'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", "DejaVu Sans", sans-serif';

/** The custom properties, light and dark, on `selector`. */
export function colourCss(selector: string): string {
  return `${selector} {color-scheme: light dark;${LIGHT}\n}
@media (prefers-color-scheme: dark) { ${selector} {${DARK}\n} }`;
}

/** The rules that all charts share. */
export const CHART_CSS = `
.chart { font-family: ${FONT_STACK}; font-size: 12px; font-variant-numeric: tabular-nums; background: var(--surface); }
.chart text { fill: var(--ink); }
.chart .chart-title { font-size: 17px; font-weight: 600; }
.chart .chart-subtitle, .chart .chart-note { fill: var(--muted); }
.chart .panel-title { font-weight: 600; font-size: 13px; }
.chart .group-title { font-weight: 600; }
.chart .quiet, .chart .tick text { fill: var(--muted); }
.chart .small { font-size: 11px; }
.chart .halo { paint-order: stroke; stroke: var(--surface); stroke-width: 3.5px; stroke-linejoin: round; }
.chart .grid { stroke: var(--grid); stroke-width: 1; }
.chart .axis-line { stroke: var(--rule); stroke-width: 1; }
.chart .unity { stroke: var(--muted); stroke-width: 1.25; }
.chart .series-line { fill: none; stroke: var(--colour); stroke-width: 1.75; stroke-linejoin: round; }
.chart .series-line.limit { stroke-dasharray: 5 4; }
.chart .series-label { fill: var(--colour); font-weight: 600; }
.chart .boot { fill: var(--colour); fill-opacity: 0.75; }
.chart .excluded { stroke: var(--colour); stroke-width: 1.25; fill: none; stroke-opacity: 0.8; }
.chart .interval { stroke: var(--colour); stroke-width: 2; fill: none; }
.chart .span { stroke: var(--colour); stroke-width: 1; stroke-opacity: 0.45; }
.chart .median { fill: var(--colour); stroke: var(--surface); stroke-width: 1.25; }
.chart .median.open { fill: var(--surface); stroke: var(--colour); stroke-width: 1.75; }
.chart-throughput-latency .median:not(.open) { fill: color-mix(in srgb, var(--colour) 30%, var(--surface)); stroke: var(--colour); stroke-width: 1.5; }
.chart-throughput-latency .boot { fill-opacity: 1; }
.chart .tick-mark { stroke: var(--colour); stroke-width: 2.25; }
.chart .bar { fill: var(--colour); }
.chart .bar.user { fill-opacity: 0.5; }
.chart .mark { outline: none; }
.chart .target { fill: transparent; }
.chart .mark:hover .median, .chart .mark:focus-visible .median { stroke: var(--ink); stroke-width: 2; }
.chart .mark:focus-visible .bar { stroke: var(--ink); stroke-width: 2; }
${Array.from({ length: 8 }, (_, i) => `.s${i} { --colour: var(--series-${i}); }`).join('\n')}
`;
