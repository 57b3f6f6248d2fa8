import { Command } from 'commander';
import { logTail, runStage, type StageResult } from './stage.ts';
import { stages } from './stages.ts';

const all = stages();
const command = new Command('npm test --')
  .description('Runs every test: lint, unit tests under sanitizers, fuzz targets, guests, workbench.')
  .addHelpText('after', `\nStages:\n${all.map((stage) => `  ${stage.name.padEnd(20)} ${stage.about}`).join('\n')}`)
  .option('--only <names>', 'comma-separated stages to run')
  .parse();

const only = command.opts<{ only?: string }>().only?.split(',');
const unknown = only?.filter((name) => !all.some((stage) => stage.name === name)) ?? [];
if (unknown.length > 0) {
  console.error(`--only: no stage ${unknown.join(', ')}; stages are ${all.map((stage) => stage.name).join(', ')}`);
  process.exit(64);
}

const results: StageResult[] = [];
for (const stage of all.filter((item) => only === undefined || only.includes(item.name))) {
  process.stdout.write(`${stage.name}: ${stage.about} … `);
  const result = await runStage(stage);
  results.push(result);
  console.log(`${result.passed ? 'passed' : 'FAILED'} (${result.seconds.toFixed(0)} s)`);
  if (!result.passed) {
    console.log(`--- ${result.reason}; the end of ${result.log}:\n${await logTail(result)}\n---`);
  }
}
const failed = results.filter((result) => !result.passed);
for (const result of failed) console.log(`FAILED ${result.name}: ${result.reason}`);
console.log(`${results.length - failed.length} passed, ${failed.length} failed`);
process.exitCode = failed.length === 0 ? 0 : 1;
