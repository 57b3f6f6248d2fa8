import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** Longer than any step that fills a temporary directory may take. */
const STALE_AFTER_MS = 3_600_000;

/**
 * Removes what a killed process has left behind: entries whose name matches, untouched for an hour.
 * @param pattern of names that only unfinished work has
 */
export async function removeStaleDirectories(parent: string, pattern: RegExp): Promise<void> {
  for (const name of await readdir(parent)) {
    if (!pattern.test(name)) continue;
    const path = join(parent, name);
    const modified = await stat(path).then(
      ({ mtimeMs }) => mtimeMs,
      () => Date.now(),
    );
    if (Date.now() - modified > STALE_AFTER_MS) await rm(path, { recursive: true, force: true });
  }
}
