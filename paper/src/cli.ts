import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { NodeCompiler } from '@myriaddreamin/typst-ts-node-compiler';
import {
  buildReport,
  explainFailure,
  leadingChart,
  loadRun,
  printSvg,
  ReportError,
  writeWhole,
} from '@plumbline/reports';
import { Command } from 'commander';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const PAPER = join(ROOT, 'paper');

/** Width that suits a column of an A4 page, in pixels. */
const FIGURE_WIDTH = 1000;

type Options = { run: string; out: string; datasets: string };

/** Compiles the paper from a recorded run; returns the PDF. */
export async function compilePaper(datasets: string, run: string): Promise<Buffer> {
  const loaded = await loadRun(datasets, run);
  const report = buildReport(loaded);
  const chart = leadingChart(report);
  if (chart === undefined) {
    throw new ReportError(
      `--run ${loaded.run}: it holds no throughput against latency; record one with npm run bench`,
      66,
    );
  }
  const drafts = join(ROOT, 'build', 'paper');
  await mkdir(drafts, { recursive: true });
  // Typst reads only below its workspace: the repository's root.
  const inputs = await mkdtemp(join(drafts, 'inputs-'));
  try {
    const inWorkspace = (name: string) => `/${join(inputs.slice(ROOT.length), name)}`;
    await writeFile(join(inputs, 'figure.svg'), printSvg(chart, report.series, { width: FIGURE_WIDTH }));
    const data = { run: loaded.run, summary: chart.subtitle, caption: chart.title, headlines: report.headlines };
    await writeFile(join(inputs, 'data.json'), JSON.stringify(data));
    const compiler = NodeCompiler.create({
      workspace: ROOT,
      inputs: { data: inWorkspace('data.json'), figure: inWorkspace('figure.svg') },
    });
    return compiler.pdf({ mainFilePath: join(PAPER, 'plumbline.typ') });
  } finally {
    await rm(inputs, { recursive: true, force: true });
  }
}

/** Runs the command; returns the exit code. */
export async function main(argv: readonly string[]): Promise<number> {
  const command = new Command('npm run paper --')
    .description('Typesets the paper with figures and numbers from a recorded run.')
    .option('--run <id>', 'the run to take, or latest', 'latest')
    .option('--out <file>', 'the PDF', join(ROOT, 'build', 'paper', 'plumbline.pdf'))
    .option('--datasets <folder>', 'where the recorded runs are', join(ROOT, 'datasets', 'results'))
    .allowExcessArguments(false)
    .exitOverride();
  try {
    command.parse([...argv], { from: 'user' });
    const options = command.opts<Options>();
    const pdf = await compilePaper(resolve(options.datasets), options.run);
    const out = resolve(options.out);
    await mkdir(dirname(out), { recursive: true });
    await writeWhole(out, pdf);
    process.stdout.write(`${out} (${pdf.length} bytes)\n`);
    return 0;
  } catch (error) {
    return explainFailure(error);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = await main(process.argv.slice(2));
