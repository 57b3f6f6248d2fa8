import { CHART_CSS, colourCss, FONT_STACK } from '../charts/theme.ts';

/** The page's style sheet; colours come from the charts' theme. */
export const PAGE_CSS = `${colourCss(':root')}
*, *::before, *::after { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; scroll-padding-top: 4.5rem; }
body { margin: 0; background: var(--surface); color: var(--ink); font: 16px/1.55 ${FONT_STACK}; }
main, header.top, footer { max-width: 1140px; margin: 0 auto; padding: 0 24px; }
header.top { padding-top: 44px; }
h1 { font-size: clamp(1.7rem, 1.2rem + 2vw, 2.4rem); line-height: 1.15; letter-spacing: -0.02em; margin: 0 0 .35em; }
h2 { font-size: 1.4rem; line-height: 1.25; letter-spacing: -0.01em; margin: 3.2rem 0 .6rem; }
h3 { font-size: 1.06rem; line-height: 1.35; margin: 2rem 0 .3rem; }
p { margin: 0 0 .8em; max-width: 72ch; }
a { color: var(--link); text-underline-offset: .15em; }
code { font: .9em ui-monospace, "SF Mono", Menlo, "DejaVu Sans Mono", monospace; overflow-wrap: anywhere; }
.lead { font-size: 1.08rem; }
.quiet { color: var(--muted); }
.small { font-size: .875rem; }
.headlines { display: grid; grid-template-columns: repeat(auto-fit, minmax(190px, 1fr)); gap: 1px; margin: 1.8rem 0 1.4rem; padding: 0;
  border: 1px solid var(--rule); border-radius: 10px; background: var(--rule); overflow: hidden; list-style: none; }
.headlines li { background: var(--surface); padding: 16px 18px 15px; }
.headlines .value { display: block; font-size: 1.85rem; line-height: 1.15; font-weight: 650; letter-spacing: -0.02em; margin: .15rem 0 .35rem;
  font-variant-numeric: tabular-nums; white-space: nowrap; }
.headlines .label { display: block; font-size: .875rem; font-weight: 600; }
.headlines .detail { display: block; font-size: .8125rem; line-height: 1.4; color: var(--muted); }
nav.contents { font-size: .9375rem; margin: 1.2rem 0 0; }
nav.contents ul { display: flex; flex-wrap: wrap; gap: .3rem 1.3rem; list-style: none; margin: 0; padding: 0; }
.legend { position: sticky; top: 0; z-index: 5; margin: 2rem -12px 0; padding: 10px 12px; display: flex; flex-wrap: wrap; gap: 6px 8px; align-items: center;
  background: var(--surface); border-bottom: 1px solid var(--rule); }
.legend .hint { color: var(--muted); font-size: .8125rem; margin-left: 4px; }
.legend button { display: inline-flex; align-items: center; gap: 7px; min-height: 32px; padding: 3px 12px 3px 9px; font: inherit; font-size: .875rem; line-height: 1.2;
  color: var(--ink); background: var(--raised); border: 1px solid var(--rule); border-radius: 999px; cursor: pointer; }
.legend button:hover { border-color: var(--muted); }
.legend button:focus-visible, .mark:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
.legend button[aria-pressed="false"] { background: transparent; color: var(--muted); text-decoration: line-through; }
.legend button[aria-pressed="false"] svg { opacity: .35; }
.legend svg.chart { flex: none; overflow: visible; background: none; }
.no-script .legend { display: none; }
figure.chart-slot { margin: 2.6rem 0 0; }
figure.chart-slot h3 { font-size: 1.2rem; margin: 0; letter-spacing: -0.01em; }
figure.chart-slot .subtitle { color: var(--muted); font-size: .9375rem; margin: .15rem 0 1rem; max-width: none; }
figure.chart-slot .canvas { overflow-x: auto; }
figure.chart-slot .canvas svg { display: block; max-width: 100%; height: auto; }
ul.notes { margin: .5rem 0 0; padding-left: 1.1rem; font-size: .875rem; color: var(--muted); max-width: 90ch; }
.empty { color: var(--muted); font-size: .9375rem; padding: 1.2rem 0; }
.scroll { overflow-x: auto; margin: 0 -4px; padding: 0 4px; }
table { border-collapse: collapse; font-size: .875rem; font-variant-numeric: tabular-nums; min-width: 100%; }
caption { text-align: left; font-weight: 600; font-size: 1rem; padding: 0 0 .45rem; }
caption span { font-weight: 400; color: var(--muted); font-size: .875rem; }
th, td { padding: 5px 11px 5px 0; text-align: left; white-space: nowrap; vertical-align: baseline; }
td.n, th.n { text-align: right; }
td.w { white-space: normal; min-width: 11rem; overflow-wrap: anywhere; }
thead th { font-weight: 500; color: var(--muted); border-bottom: 1px solid var(--rule); font-size: .8125rem; }
tbody tr { border-bottom: 1px solid var(--grid); }
tbody tr.starts { border-top: 1px solid var(--rule); }
tbody th { font-weight: 500; }
td.strong { font-weight: 650; }
.swatch { display: inline-block; width: .6em; height: .6em; border-radius: 50%; background: var(--colour); margin-right: .5em; }
.table-block { margin: 1.8rem 0 0; }
details { margin: .6rem 0 0; }
summary { cursor: pointer; color: var(--link); font-size: .9375rem; }
details[open] > summary { margin-bottom: .5rem; }
pre { background: var(--raised); border: 1px solid var(--rule); border-radius: 8px; padding: 12px 14px; overflow-x: auto; font: .8125rem/1.5 ui-monospace, "DejaVu Sans Mono", monospace; }
dl { display: grid; grid-template-columns: minmax(9rem, max-content) 1fr; gap: .5rem 1.6rem; margin: .8rem 0; }
dt { font-weight: 600; }
dd { margin: 0; max-width: 75ch; overflow-wrap: anywhere; }
.card { border: 1px solid var(--rule); border-radius: 10px; padding: 4px 20px 12px; margin: 1rem 0; }
.tip { position: fixed; z-index: 10; pointer-events: none; max-width: min(340px, calc(100vw - 16px)); padding: 8px 12px; border-radius: 8px; font-size: .8125rem; line-height: 1.5;
  background: var(--ink); color: var(--surface); box-shadow: 0 4px 18px rgb(0 0 0 / .25); white-space: pre-line; font-variant-numeric: tabular-nums; }
.tip[hidden] { display: none; }
.tip strong { display: block; }
footer { margin-top: 4rem; padding-top: 1.2rem; padding-bottom: 3rem; color: var(--muted); font-size: .875rem; }
@media (max-width: 620px) {
  main, header.top, footer { padding-left: 14px; padding-right: 14px; }
  header.top { padding-top: 26px; }
  .headlines { grid-template-columns: 1fr 1fr; }
  .headlines li:last-child:nth-child(odd) { grid-column: span 2; }
  .headlines li { padding: 12px 13px; }
  .headlines .value { font-size: 1.45rem; }
  dl { grid-template-columns: 1fr; gap: .1rem; }
  dd { margin-bottom: .7rem; }
  .legend { position: static; margin-left: 0; margin-right: 0; padding-left: 0; padding-right: 0; }
}
@media print { .legend { display: none; } figure.chart-slot { break-inside: avoid; } }
${CHART_CSS}
`;
