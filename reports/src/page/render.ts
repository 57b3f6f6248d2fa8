import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { buildReport, type Report, type ReportInput } from '../model/report.ts';
import { writeWhole } from '../write-whole.ts';
import { clientScript } from './bundle.ts';
import { pageDocument } from './document.ts';
import { chartSvg } from './svg.ts';

/** Where a report was written. */
export type RenderedReport = { page: string; svgs: string[]; report: Report };

const PAGE_WIDTH = 1092;
const FILE_WIDTH = 960;

/**
 * Writes a report: `index.html`, which opens from disk and needs nothing else, and one SVG file a chart.
 *
 * @param input samples with the provenance they name; failures and runs where there are any
 * @param outDir is made when missing
 * @returns the paths written, and the report they show
 */
export async function renderReport(input: ReportInput & { outDir: string }): Promise<RenderedReport> {
  const report = buildReport(input);
  await mkdir(input.outDir, { recursive: true });
  const inline = new Map(
    report.charts.map((chart) => [chart.id, chartSvg(chart, report.series, { width: PAGE_WIDTH, standalone: false })]),
  );
  const page = join(input.outDir, 'index.html');
  await writeWhole(page, pageDocument(report, inline, await clientScript()));
  const svgs: string[] = [];
  for (const chart of report.charts) {
    const file = join(input.outDir, `${chart.id}.svg`);
    await writeWhole(file, `${chartSvg(chart, report.series, { width: FILE_WIDTH, standalone: true })}\n`);
    svgs.push(file);
  }
  return { page, svgs, report };
}
