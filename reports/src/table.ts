import { group } from 'd3';
import { formatNumber, formatP, formatRatio, formatValue } from './model/format.ts';
import { METRICS } from './model/metric.ts';
import { parametersLabel, varyingParameters } from './model/point-label.ts';
import { buildReport, type Report, type ReportInput, type TableRow } from './model/report.ts';

type Column = { title: string; align: 'left' | 'right'; cell: (row: TableRow) => string };

function columnsFor(rows: readonly TableRow[]): Column[] {
  const names = varyingParameters(rows.map((row) => row.figure));
  const format = (row: TableRow, value: number | null | undefined) =>
    value === null || value === undefined ? '–' : formatValue(row.figure.metric, value);
  return [
    { title: 'point', align: 'left', cell: (row) => parametersLabel(row.figure.parameters, names) },
    { title: 'subject', align: 'left', cell: (row) => row.label },
    { title: 'on', align: 'left', cell: (row) => row.figure.accelerator },
    { title: 'placement', align: 'left', cell: (row) => row.figure.placement },
    { title: 'median', align: 'right', cell: (row) => format(row, row.figure.median) },
    { title: 'low', align: 'right', cell: (row) => format(row, row.figure.interval?.low) },
    { title: 'high', align: 'right', cell: (row) => format(row, row.figure.interval?.high) },
    {
      title: 'boots',
      align: 'right',
      cell: ({ figure }) => {
        const left = figure.points.length - figure.boots;
        return left > 0 ? `${figure.boots} (+${left})` : String(figure.boots);
      },
    },
    {
      title: '× Linux',
      align: 'right',
      cell: ({ comparison }) => (comparison === null ? '' : formatRatio(comparison.ratio)),
    },
    {
      title: 'interval, verdict',
      align: 'left',
      cell: ({ comparison }) => {
        if (comparison === null) return '';
        const { interval, p, verdict } = comparison;
        if (interval === null || p === null) return verdict;
        return `${formatNumber(interval.low)} to ${formatNumber(interval.high)}, ${verdict} (p ${formatP(p)})`;
      },
    },
  ];
}

/** Pads by what the terminal shows: none of our texts has wide characters. */
function pad(text: string, width: number, align: Column['align']): string {
  return align === 'right' ? text.padStart(width) : text.padEnd(width);
}

function block(rows: readonly TableRow[]): string[] {
  const columns = columnsFor(rows).filter(({ cell }) => rows.some((row) => cell(row) !== ''));
  const cells = rows.map((row) => columns.map(({ cell }) => cell(row)));
  const widths = columns.map(({ title }, i) => Math.max(title.length, ...cells.map((row) => row[i]?.length ?? 0)));
  const line = (texts: readonly string[]) =>
    `  ${columns.map(({ align }, i) => pad(texts[i] ?? '', widths[i] ?? 0, align)).join('  ')}`.trimEnd();
  let before = '';
  return [
    line(columns.map(({ title }) => title)),
    ...cells.map((row) => {
      // The point stands once, at the first of its rows.
      const shown = columns[0]?.title === 'point' && row[0] === before ? ['', ...row.slice(1)] : row;
      before = row[0] ?? '';
      return line(shown);
    }),
  ];
}

/** Points without loss would be a page of zeros. */
const isLossless = ({ figure }: TableRow) => figure.metric === 'loss' && figure.median === 0;

/** The table of a report as lines for a terminal. */
export function reportTable(report: Report): string {
  if (report.rows.length === 0) return 'No figures.\n';
  const lines: string[] = [];
  const primary = report.rows.filter((row) => row.primary && !isLossless(row));
  for (const rows of group(primary, ({ figure }) => `${figure.workload}\n${figure.metric}`).values()) {
    const first = rows[0];
    if (first === undefined) continue;
    const { workload, metric } = first.figure;
    const baselines = [...new Set(rows.flatMap((row) => row.comparison?.baseline.subject ?? []))];
    const names = varyingParameters(rows.map((row) => row.figure));
    const fixed = parametersLabel(
      first.figure.parameters,
      Object.keys(first.figure.parameters).filter((name) => !names.includes(name)),
    );
    const heading = [
      `${workload}: ${METRICS[metric].label}`,
      fixed,
      `${METRICS[metric].better} is better`,
      baselines.length === 0 ? '' : `× Linux: against ${baselines.join(' or ')}`,
    ];
    lines.push(heading.filter((part) => part !== '').join(' · '), ...block(rows), '');
  }
  const others = report.rows.filter((row) => !row.primary && !isLossless(row)).length;
  if (others > 0) lines.push(`${others} more figures in other placements are in the report page.`);
  if (primary.some((row) => row.figure.points.length > row.figure.boots)) {
    lines.push('(+n): boots left out, because the host disturbed them or the load generator was the bottleneck.');
  }
  for (const failure of report.failures) {
    lines.push(
      `failed: ${failure.subject} ${failure.variant.name}, ${failure.workload} ${parametersLabel(failure.parameters)} on ${failure.accelerator}: ${failure.reason}`,
    );
  }
  return `${lines.join('\n').trimEnd()}\n`;
}

/** The same table as the report page's, for the terminal: what `npm run bench` prints at its end. */
export function terminalTable(input: ReportInput): string {
  return reportTable(buildReport(input));
}
