export { type Comparison, commonPlacement, compare, comparisonsWithLinux, type Verdict } from './model/comparison.ts';
export { type Figure, figuresOf } from './model/figure.ts';
export { formatRatio, formatValue } from './model/format.ts';
export { METRICS } from './model/metric.ts';
export { buildReport, type Report, type ReportInput } from './model/report.ts';
export { type RenderedReport, renderReport } from './page/render.ts';
export * from './statistics/index.ts';
export { summarise, summaryOf } from './summaries.ts';
export { reportTable, terminalTable } from './table.ts';
