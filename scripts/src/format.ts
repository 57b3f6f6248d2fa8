import { spawnSync } from 'node:child_process';
import { cSources } from './sources.ts';
import { ROOT } from './stage.ts';

if (process.argv.includes('--help')) {
  console.log('npm run format\n\nFormats every source: Biome for TypeScript, clang-format 14 for C and C++.');
  process.exit(0);
}
const biome = spawnSync('npx', ['--no-install', 'biome', 'check', '--write', '.'], { cwd: ROOT, stdio: 'inherit' });
const clang = spawnSync('clang-format-14', ['-i', ...cSources()], { cwd: ROOT, stdio: 'inherit' });
process.exitCode = biome.status === 0 && clang.status === 0 ? 0 : 1;
