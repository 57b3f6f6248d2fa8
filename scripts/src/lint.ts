import { logTail, runStage } from './stage.ts';
import { stages } from './stages.ts';

if (process.argv.includes('--help')) {
  console.log('npm run lint\n\nChecks format, lint rules and types without changing anything.');
  process.exit(0);
}
const stage = stages().find((item) => item.name === 'lint');
if (stage === undefined) throw new Error('no stage lint');
const result = await runStage(stage);
if (!result.passed) console.error(await logTail(result, 200));
console.log(result.passed ? 'clean' : result.reason);
process.exitCode = result.passed ? 0 : 1;
