import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Command } from 'commander';
import { ROOT } from './stage.ts';

/*
 * Shows that the two commands do all the set-up: a fresh Debian 12 with nothing but Node, npm and git, a clone of what
 * is committed, and the command. Needs root and mmdebstrap.
 */
const command = new Command('npm run check:fresh --')
  .description('Runs a command in a fresh Debian 12 chroot that has only Node, npm and git (needs root, mmdebstrap).')
  .argument('[command...]', 'what to run in the clone', ['npm', 'test'])
  .option('--keep', 'keep the chroot under build/fresh afterwards')
  .passThroughOptions()
  .parse();

const root = join(ROOT, 'build', 'fresh');

function run(program: string, args: string[], what: string): void {
  const result = spawnSync(program, args, { stdio: 'inherit' });
  if (result.error !== undefined) fail(`${what}: ${program} cannot be run (${result.error.message})`);
  if (result.status !== 0) fail(`${what}: ${program} ended with ${result.status ?? result.signal}`);
}

function fail(message: string): never {
  console.error(`check:fresh: ${message}`);
  process.exit(69);
}

/** Copies a file or folder of this machine to the same place in the chroot, links followed. */
function bring(path: string): void {
  if (!existsSync(path)) return;
  mkdirSync(dirname(join(root, path)), { recursive: true });
  cpSync(path, join(root, path), { recursive: true, dereference: true });
}

if (process.getuid?.() !== 0) fail('needs root (chroot and mounts)');
rmSync(root, { recursive: true, force: true });
mkdirSync(dirname(root), { recursive: true });
const sources = ['/etc/apt/sources.list.d/debian.sources', '/etc/apt/sources.list'].find(existsSync);
run(
  'mmdebstrap',
  ['--variant=apt', '--include=ca-certificates,git', 'bookworm', root, ...(sources === undefined ? [] : [sources])],
  'a fresh Debian',
);
// Node as a self-contained program with its npm, and this machine's way to the registries.
mkdirSync(join(root, 'usr/local/bin'), { recursive: true });
cpSync(process.execPath, join(root, 'usr/local/bin/node'), { dereference: true });
const npm = join(dirname(dirname(process.execPath)), 'lib/node_modules/npm');
cpSync(npm, join(root, 'usr/local/lib/node_modules/npm'), { recursive: true });
run('ln', ['-s', '../lib/node_modules/npm/bin/npm-cli.js', join(root, 'usr/local/bin/npm')], 'npm');
run('ln', ['-s', '../lib/node_modules/npm/bin/npx-cli.js', join(root, 'usr/local/bin/npx')], 'npx');
for (const path of ['/etc/npmrc', '/root/.npmrc', '/etc/resolv.conf', '/etc/hosts']) bring(path);
for (const path of ['/etc/ssl/certs/ca-certificates.crt', '/etc/apt/apt.conf.d']) bring(path);
run('git', ['clone', '--quiet', '--no-local', ROOT, join(root, 'plumbline')], 'a clone');

const mounts = ['sys', 'dev'].map((name) => `mount --rbind /${name} ${JSON.stringify(join(root, name))}`);
// Of the new process namespace: in this machine's, the processes of the chroot have other numbers.
mounts.push(`mount -t proc proc ${JSON.stringify(join(root, 'proc'))}`);
const script = [
  'set -e',
  ...mounts,
  `mount -t tmpfs none ${JSON.stringify(join(root, 'tmp'))}`,
  `exec chroot ${JSON.stringify(root)} /usr/bin/env -C /plumbline PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root "$@"`,
].join('\n');
const inside = spawnSync(
  'unshare',
  ['--mount', '--pid', '--fork', '--kill-child', 'sh', '-c', script, 'sh', ...(command.processedArgs[0] as string[])],
  {
    stdio: 'inherit',
  },
);
if (command.opts<{ keep?: boolean }>().keep !== true) rmSync(root, { recursive: true, force: true });
process.exitCode = inside.status ?? 1;
