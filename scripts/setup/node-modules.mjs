import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SetupError } from './setup-error.mjs';

const LOCK_DEADLINE_MS = 10 * 60_000;

/** What node_modules must correspond to. */
function wanted(root) {
  return createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
}

function present(root) {
  try {
    return readFileSync(join(root, 'node_modules', '.plumbline-lock'), 'utf8');
  } catch {
    return '';
  }
}

/** Two commands started at once must not install at once: the second waits. */
async function withLock(root, action) {
  const lock = join(root, 'build', '.npm-install');
  mkdirSync(join(root, 'build'), { recursive: true });
  const end = Date.now() + LOCK_DEADLINE_MS;
  for (;;) {
    try {
      mkdirSync(lock);
      break;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
      const age = Date.now() - (statSync(lock, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
      if (age > LOCK_DEADLINE_MS) rmSync(lock, { recursive: true, force: true });
      if (Date.now() > end)
        throw new SetupError(`${lock}: another installation has not ended; remove the folder if none runs`);
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
  }
  const unlock = () => rmSync(lock, { recursive: true, force: true });
  process.once('exit', unlock);
  try {
    return action();
  } finally {
    unlock();
    process.removeListener('exit', unlock);
  }
}

/** Installs the npm packages of package-lock.json when node_modules does not correspond to it. */
export async function ensureNodeModules(root) {
  if (present(root) === wanted(root)) return;
  await withLock(root, () => {
    const hash = wanted(root);
    if (present(root) === hash) return;
    console.error('plumbline: installing npm packages');
    // Not `npm ci`: it refuses a lock file that leaves out optional packages of other platforms, which some mirrors do
    // not carry. `install --no-save` takes the locked versions too and leaves the lock file alone.
    const result = spawnSync('npm', ['install', '--no-save', '--no-audit', '--no-fund', '--loglevel=error'], {
      cwd: root,
      stdio: ['ignore', 'ignore', 'inherit'],
      timeout: LOCK_DEADLINE_MS,
    });
    if (result.error !== undefined) throw new SetupError(`npm cannot be run: ${result.error.message}`);
    if (result.status !== 0)
      throw new SetupError('npm install failed (its message is above); it needs the npm registry');
    const stamp = join(root, 'node_modules', '.plumbline-lock');
    writeFileSync(`${stamp}.new`, hash);
    renameSync(`${stamp}.new`, stamp);
  });
}
