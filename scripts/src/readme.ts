import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildReport, leadingChart, loadRun, printSvg } from '@plumbline/reports';
import { Command } from 'commander';
import { ROOT } from './stage.ts';

/*
 * The picture and the table of the README come from recorded results: this command writes them, a test checks that
 * they are what the data say.
 */
export const PICTURE = 'reports/showcase/throughput-latency.svg';
const BEGIN = '<!-- results:begin -->';
const END = '<!-- results:end -->';
const PICTURE_WIDTH = 960;

/** The README's section of results, and its picture, from a recorded run. */
export async function showcase(run: string): Promise<{ section: string; picture: string; run: string }> {
  const loaded = await loadRun(join(ROOT, 'datasets', 'results'), run);
  const report = buildReport(loaded);
  const chart = leadingChart(report);
  if (chart === undefined) throw new Error(`run ${loaded.run} holds no throughput against latency`);
  const rows = report.headlines.map(({ label, value, detail }) => `| ${label} | **${value}** | ${detail} |`);
  const host = report.provenance[0]?.host;
  const section = [
    `![${chart.title}: ${chart.subtitle}](${PICTURE})`,
    '',
    '| figure | value | what it is |',
    '|---|---|---|',
    ...rows,
    '',
    `Recorded with \`npm run bench\` (run \`${loaded.run}\`, ${report.bootsTotal} boots; ${host?.cpuModel ?? 'unknown CPU'}, ${host?.cpus ?? '?'} CPUs, Linux ${host?.kernel ?? '?'}); picture and table made by \`npm run readme -- --run ${loaded.run}\`. Every sample behind them is in [datasets/results](datasets/results).`,
  ].join('\n');
  return { section, picture: printSvg(chart, report.series, { width: PICTURE_WIDTH }), run: loaded.run };
}

/** Puts a section between the README's markers. */
export function replaceSection(readme: string, section: string): string {
  const begin = readme.indexOf(BEGIN);
  const end = readme.indexOf(END);
  if (begin < 0 || end < begin) throw new Error(`README.md: the markers ${BEGIN} and ${END} are missing`);
  return `${readme.slice(0, begin + BEGIN.length)}\n${section}\n${readme.slice(end)}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const options = new Command('npm run readme --')
    .description("Writes the README's picture and table from a recorded run.")
    .option('--run <id>', 'the run to show, or latest', 'latest')
    .parse()
    .opts<{ run: string }>();
  const { section, picture, run } = await showcase(options.run);
  await mkdir(join(ROOT, 'reports', 'showcase'), { recursive: true });
  await writeFile(join(ROOT, PICTURE), `${picture}\n`);
  const file = join(ROOT, 'README.md');
  await writeFile(file, replaceSection(await readFile(file, 'utf8'), section));
  console.log(`README.md and ${PICTURE} show run ${run}`);
}
