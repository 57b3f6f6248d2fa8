import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './stage.ts';

const FOLDERS = ['kernel', 'bench'];
const SOURCE = /\.(cc|hh|c|h)$/;

/** Every C and C++ source of the project, relative to its root, sorted. */
export function cSources(): string[] {
  return FOLDERS.flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => SOURCE.test(name) && !name.includes('node_modules'))
      .map((name) => join(folder, name)),
  ).sort();
}
