import { symbolPath } from '../charts/marks.ts';
import type { ChartData } from '../model/chart-data.ts';
import { RATES } from '../model/metric.ts';
import type { Report } from '../model/report.ts';
import { GLOSSARY } from './glossary.ts';
import { html, Markup, scriptJson } from './markup.ts';
import { failuresMarkup, provenanceMarkup } from './provenance.ts';
import { PAGE_CSS } from './style.ts';
import { tablesMarkup } from './tables.ts';

const list = (items: readonly string[]) =>
  items.length < 2 ? items.join('') : `${items.slice(0, -1).join(', ')} and ${items.at(-1)}`;

/** What was compared, in sentences. */
export function summarySentences(report: Report): string[] {
  if (report.samples === 0) return ['There are no samples yet. Run “npm run bench” first.'];
  const subjects = list([...new Set(report.series.map((s) => s.label))]);
  const workloads = list([...new Set(report.figures.map((f) => f.workload))]);
  const days = [...new Set([report.first, report.last].map((time) => time?.slice(0, 10) ?? ''))].join(' to ');
  const verdicts = report.comparisons.filter((c) => c.verdict !== 'points only');
  const loaded = report.figures.filter((f) => RATES.includes(f.metric)).flatMap((f) => f.points);
  const left = loaded.filter((point) => point.excluded !== null).length;
  const count = (verdict: string) => verdicts.filter((c) => c.verdict === verdict).length;
  return [
    `${report.samples.toLocaleString('en-US')} samples from ${report.bootsTotal.toLocaleString('en-US')} boots of ${subjects}, taken ${days}; workloads: ${workloads}.`,
    ...report.runs.flatMap((run) => run.choices),
    ...(left === 0
      ? []
      : [
          `${left} of ${loaded.length} measurements under load ${left === 1 ? 'is' : 'are'} left out of all figures, because the host disturbed ${left === 1 ? 'it' : 'them'} or the load generator was the bottleneck.`,
        ]),
    verdicts.length === 0
      ? 'Too few boots for verdicts: the report shows points.'
      : `Of ${verdicts.length} comparisons with Linux, ours is better in ${count('better')}, worse in ${count('worse')}, and in ${count('no difference found')} no difference was found.`,
  ];
}

function legendMarkup(report: Report): Markup {
  const options = { width: 0, series: report.series };
  const buttons = report.series.map(
    (s) => html`<button type="button" aria-pressed="true" data-toggle="${s.key}" class="s${s.colour}">
      <svg class="chart" width="14" height="14" viewBox="-7 -7 14 14" aria-hidden="true"><path class="median" d="${symbolPath(options, s.key, 80)}"/></svg>${s.label}</button>`,
  );
  return html`<div class="legend" role="group" aria-label="Subjects and variants shown">${buttons}<span class="hint">click to switch off and on</span></div>`;
}

function slotMarkup(chart: ChartData, svg: string): Markup {
  return html`<figure class="chart-slot" id="${chart.id}" data-chart="${chart.id}">
    <figcaption><h3>${chart.title}</h3><p class="subtitle">${chart.subtitle}</p></figcaption>
    <div class="canvas">${new Markup(svg)}</div>
    ${chart.notes.length === 0 ? null : html`<ul class="notes">${chart.notes.map((note) => html`<li>${note}</li>`)}</ul>`}</figure>`;
}

const HOW_TO_READ = html`<section id="how-to-read"><h2>How to read it</h2>
  <p>Each small dot is one boot; the large symbol is the median over boots, and the line through it the 95 % interval. A hollow symbol has fewer than five boots behind it and no interval. A cross is a boot that was disturbed or limited by the load generator: it is shown and takes part in nothing. Among the latency percentiles the hollow symbol is the 99th percentile; there only the missing line tells of few boots.</p>
  <p>Compare only what stands in one panel. Rates and times are compared in one placement of the two cores at a time, because the placement alone changes them several times over; the placement is named above each chart. A ratio right of 1 is better than Linux, whichever way its metric runs. “Three times fewer instructions” is not “three times faster”: counts see no cache, no exit and no contention.</p>
  <p>Press or hover a mark for its figures; the legend switches subjects and variants off and on in all charts at once.</p></section>`;

/**
 * The whole page as text: style, script, data and drawings inside, so that it opens from disk and asks no network.
 *
 * @param svgs each chart, already drawn: what readers without scripts see
 * @param script the browser's part, bundled
 */
export function pageDocument(report: Report, svgs: ReadonlyMap<string, string>, script: string): string {
  const lead = summarySentences(report).join(' ');
  const data = { series: report.series, charts: report.charts };
  const contents: [string, string][] = [
    ...report.charts.map((chart): [string, string] => [chart.id, chart.title]),
    ['tables', 'All figures'],
    ...(report.failures.length > 0 ? [['failures', 'Failures'] as [string, string]] : []),
    ['how-to-read', 'How to read it'],
    ['provenance', 'Provenance'],
    ['glossary', 'Glossary'],
  ];
  const body = html`<header class="top"><h1>Plumbline report</h1><p class="lead">${lead}</p>
    ${report.headlines.length === 0 ? null : html`<ul class="headlines">${report.headlines.map((h) => html`<li><span class="label">${h.label}</span><span class="value">${h.value}</span><span class="detail">${h.detail}</span></li>`)}</ul>`}
    <nav class="contents" aria-label="Contents"><ul>${contents.map(([id, title]) => html`<li><a href="#${id}">${title}</a></li>`)}</ul></nav></header>
  <main>${report.charts.length === 0 ? html`<p class="empty">Nothing to draw.</p>` : legendMarkup(report)}
    ${report.charts.map((chart) => slotMarkup(chart, svgs.get(chart.id) ?? ''))}
    ${HOW_TO_READ}
    <section id="tables"><h2>All figures</h2>${tablesMarkup(report)}</section>
    ${failuresMarkup(report)}
    ${provenanceMarkup(report)}
    <section id="glossary"><h2>Glossary</h2><dl>${GLOSSARY.map(({ term, meaning }) => html`<dt>${term}</dt><dd>${meaning}</dd>`)}</dl></section></main>
  <footer>Every figure on this page is computed from recorded samples; “npm run report” makes it anew.</footer>
  <div class="tip" role="tooltip" hidden></div>`;
  // A script ends at the first "</script", wherever it stands: in a string it may be written with an escape.
  const safeScript = new Markup(script.replace(/<\/(script)/gi, '<\\/$1'));
  return `<!doctype html>
${
  html`<html lang="en" class="no-script"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:">
<meta name="color-scheme" content="light dark"><title>Plumbline report</title><link rel="icon" href="data:,"><style>${new Markup(PAGE_CSS)}</style></head>
<body>${body}<script type="application/json" id="report-data">${scriptJson(data)}</script><script>${safeScript}</script></body></html>`
    .text
}
`;
}
