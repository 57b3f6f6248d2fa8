import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { explainFailure } from './explain-failure.ts';
import { loadRun } from './load-run.ts';
import { renderReport } from './page/render.ts';
import { summarise } from './summaries.ts';
import { reportTable } from './table.ts';
import { writeWhole } from './write-whole.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

type Options = { run: string; out: string; json?: string; datasets: string };

/** Runs the command; returns the exit code. */
export async function main(argv: readonly string[]): Promise<number> {
  const command = new Command('npm run report --')
    .description('Makes the report of a recorded run: one HTML page that opens from disk, SVG files, and a table here.')
    .option('--run <id>', 'the run to show, or latest', 'latest')
    .option('--out <folder>', 'where to write the report', join(ROOT, 'build', 'report'))
    .option('--json <file>', 'also write the figures as an array of summaries')
    .option('--datasets <folder>', 'where the recorded runs are', join(ROOT, 'datasets', 'results'))
    .allowExcessArguments(false)
    .exitOverride();
  try {
    command.parse([...argv], { from: 'user' });
    const options = command.opts<Options>();
    const loaded = await loadRun(resolve(options.datasets), options.run);
    const { page, svgs, report } = await renderReport({ ...loaded, outDir: resolve(options.out) });
    process.stdout.write(`run ${loaded.run}\n\n${reportTable(report)}\n`);
    if (options.json !== undefined) {
      const file = resolve(options.json);
      await writeWhole(file, `${JSON.stringify(summarise(loaded.samples, loaded.provenance), null, 2)}\n`);
      process.stdout.write(`summaries: ${file}\n`);
    }
    process.stdout.write(`report: ${page} (and ${svgs.length} SVG files beside it)\n`);
    return 0;
  } catch (error) {
    return explainFailure(error);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = await main(process.argv.slice(2));
