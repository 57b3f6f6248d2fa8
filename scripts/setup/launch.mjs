// Starts one of the project's commands after doing all the set-up it needs. Depends on Node alone: it is what runs
// before anything is installed.
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';
import { ensureDebianPackages } from './debian.mjs';
import { ensureNodeModules } from './node-modules.mjs';
import { requireNode } from './node-version.mjs';
import { SetupError } from './setup-error.mjs';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

const ENTRIES = {
  bench: 'bench/src/cli/bench.ts',
  boot: 'bench/src/cli/boot.ts',
  targets: 'bench/src/cli/targets.ts',
  soak: 'bench/src/cli/soak.ts',
  lock: 'variants/src/debian/update-lock.ts',
  report: 'reports/src/cli.ts',
  paper: 'paper/src/cli.ts',
  fuzz: 'scripts/src/fuzz.ts',
  test: 'scripts/src/test.ts',
  format: 'scripts/src/format.ts',
  lint: 'scripts/src/lint.ts',
  'check-fresh': 'scripts/src/check-fresh.ts',
  readme: 'scripts/src/readme.ts',
  'build-kernel': 'scripts/src/build-kernel.ts',
};

/** Runs the command's program and takes over its exit code; signals reach it, and end us when it has ended. */
function run(entry, args) {
  const child = spawn(process.execPath, ['--import', 'tsx', entry, ...args], { cwd: ROOT, stdio: 'inherit' });
  // The terminal sends Ctrl-C to the whole group: the program cleans up, we wait for it. A signal sent to us alone is passed on.
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  process.on('SIGINT', () => {
    if (!process.stdin.isTTY) child.kill('SIGINT');
  });
  child.on('error', (error) => {
    console.error(`plumbline: ${error.message}`);
    process.exitCode = 70;
  });
  child.on('exit', (code, signal) => {
    process.exitCode = signal === null ? (code ?? 70) : 128 + constants.signals[signal];
  });
}

async function main() {
  const [command, ...args] = process.argv.slice(2);
  const entry = ENTRIES[command];
  if (entry === undefined) {
    throw new SetupError(`no command '${command ?? ''}'; commands are ${Object.keys(ENTRIES).join(', ')}`, 64);
  }
  requireNode();
  const helpOnly = args.includes('--help') || args.includes('-h');
  if (!helpOnly) await ensureDebianPackages(command);
  await ensureNodeModules(ROOT);
  run(entry, args);
}

main().catch((error) => {
  console.error(`plumbline: ${error instanceof SetupError ? error.message : (error?.stack ?? error)}`);
  process.exitCode = error instanceof SetupError ? error.exitCode : 70;
});
