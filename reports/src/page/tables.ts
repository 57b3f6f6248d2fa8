import { group } from 'd3';
import { formatNumber, formatP, formatRatio, formatShare, formatValue } from '../model/format.ts';
import { METRICS } from '../model/metric.ts';
import { parametersLabel } from '../model/point-label.ts';
import type { Report, TableRow } from '../model/report.ts';
import { html, type Markup } from './markup.ts';

const colourOf = (report: Report, key: string) => report.series.find((s) => s.key === key)?.colour ?? 7;

function rowMarkup(report: Report, row: TableRow, starts: boolean, compared: boolean): Markup {
  const { figure, comparison } = row;
  const format = (value: number) => formatValue(figure.metric, value);
  const left = figure.points.length - figure.boots;
  const boots = `${figure.boots}${left > 0 ? ` (+${left} left out)` : ''}`;
  const ratio = comparison === null ? '' : formatRatio(comparison.ratio);
  const interval =
    comparison === null
      ? ''
      : comparison.interval === null
        ? 'points only'
        : `${formatNumber(comparison.interval.low)} to ${formatNumber(comparison.interval.high)}`;
  const verdict =
    comparison === null || comparison.p === null ? '' : `${comparison.verdict} (p ${formatP(comparison.p)})`;
  return html`<tr class="${starts ? 'starts' : ''}" data-series="${row.key}">
    <th scope="row">${starts ? parametersLabel(figure.parameters) : ''}</th>
    <td class="s${colourOf(report, row.key)}"><span class="swatch"></span>${row.label}</td>
    <td>${figure.accelerator}</td><td>${figure.placement}</td>
    <td class="n strong">${figure.median === null ? 'no usable boot' : format(figure.median)}</td>
    <td class="n">${figure.interval === null ? '–' : format(figure.interval.low)}</td>
    <td class="n">${figure.interval === null ? '–' : format(figure.interval.high)}</td>
    <td class="n">${boots}</td>
    ${
      compared
        ? html`<td class="n strong">${ratio}</td><td class="n">${interval}</td>
    <td>${verdict}</td>`
        : null
    }</tr>`;
}

function tableMarkup(report: Report, rows: readonly TableRow[]): Markup {
  const compared = rows.some((row) => row.comparison !== null);
  let before = '';
  const body = rows.map((row) => {
    const point = JSON.stringify(row.figure.parameters);
    const starts = point !== before;
    before = point;
    return rowMarkup(report, row, starts, compared);
  });
  return html`<div class="scroll"><table><thead><tr>
    <th scope="col">point</th><th scope="col">subject</th><th scope="col">accelerator</th><th scope="col">placement</th>
    <th scope="col" class="n">median</th><th scope="col" class="n">low</th><th scope="col" class="n">high</th><th scope="col" class="n">boots</th>
    ${compared ? html`<th scope="col" class="n">× Linux</th><th scope="col" class="n">interval</th><th scope="col">verdict</th>` : null}</tr></thead>
    <tbody>${body}</tbody></table></div>`;
}

/** Every figure of a report: a table a workload and metric, first what the charts draw, then the other placements. */
export function tablesMarkup(report: Report): Markup {
  const blocks = [...group(report.rows, (row) => `${row.figure.workload}\n${row.figure.metric}`).values()].map(
    (rows) => {
      const first = rows[0];
      if (first === undefined) return html``;
      const { metric, workload } = first.figure;
      if (metric === 'loss' && rows.every((row) => row.figure.median === 0)) {
        return html`<p class="table-block quiet small">${workload}: no request went unanswered (${rows.length} points, ${formatShare(0)} loss).</p>`;
      }
      const baselines = [
        ...new Set(rows.flatMap((row) => (row.comparison === null ? [] : [row.comparison.baseline.subject]))),
      ];
      const against = baselines.length === 0 ? '' : ` · × Linux: against ${baselines.join(' or ')}`;
      const primary = rows.filter((row) => row.primary);
      const others = rows.filter((row) => !row.primary);
      return html`<div class="table-block" id="table-${workload}-${metric}">
      <h3>${METRICS[metric].label} <span class="quiet small">· ${workload} · ${METRICS[metric].better} is better${against}</span></h3>
      ${tableMarkup(report, primary)}
      ${others.length === 0 ? null : html`<details><summary>${others.length} more in other placements</summary>${tableMarkup(report, others)}</details>`}
    </div>`;
    },
  );
  return html`${blocks}`;
}
