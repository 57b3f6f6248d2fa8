import { readFileSync } from 'node:fs';
import { posix } from 'node:path';
import type { ResolvedPackage } from '../debian/resolve.ts';
import { readElfNeeds, scriptInterpreter } from './elf-needs.ts';
import { groupFiles, mergedPath, type PackageFile } from './file-tree.ts';

/** Where Debian's amd64 loader looks for libraries without configuration. */
const LIBRARY_DIRECTORIES = ['usr/lib/x86_64-linux-gnu', 'usr/lib', 'usr/lib64'];
const PROGRAM = /^usr\/(s?bin|games)\/[^/]+$/;
/** Where a program named without a directory is found. */
const PROGRAM_DIRECTORIES = ['usr/bin', 'usr/sbin', 'usr/games'];

/** Whether a path is that of a program that users start. */
export function isProgram(path: string): boolean {
  return PROGRAM.test(path);
}

/** What a file in the image needs of other files: paths in the image, and what no file fulfils. */
interface FileNeeds {
  readonly paths: readonly string[];
  readonly missing: readonly string[];
}

/** A file that somebody needs and no package has. */
export interface MissingNeed {
  readonly path: string;
  readonly needs: string;
}

function firstIn(tree: ReadonlyMap<string, PackageFile>, directories: readonly string[], name: string) {
  return directories.map((directory) => `${directory}/${name}`).find((path) => tree.has(path));
}

/** Libraries and interpreters that a file's content names. */
function needsOf(tree: ReadonlyMap<string, PackageFile>, file: PackageFile): FileNeeds {
  if (file.kind === 'directory') return { paths: [], missing: [] };
  if (file.kind === 'symlink') {
    const path = mergedPath(posix.resolve('/', posix.dirname(file.path), file.target));
    return tree.has(path) ? { paths: [path], missing: [] } : { paths: [], missing: [] };
  }
  if (!file.executable && !/\.so(\.|$)/.test(file.path)) return { paths: [], missing: [] };
  const bytes = readFileSync(file.source);
  const names: [string, string | undefined][] = [];
  const elf = readElfNeeds(bytes);
  const beside = posix.dirname(file.path);
  for (const name of elf?.needed ?? []) names.push([name, firstIn(tree, [...LIBRARY_DIRECTORIES, beside], name)]);
  const interpreter = elf === undefined ? scriptInterpreter(bytes) : elf.interpreter;
  if (interpreter !== undefined) {
    const path = interpreter.startsWith('/')
      ? mergedPath(interpreter)
      : (firstIn(tree, PROGRAM_DIRECTORIES, interpreter) ?? interpreter);
    names.push([interpreter, tree.has(path) ? path : undefined]);
  }
  return {
    paths: names.flatMap(([, path]) => (path === undefined ? [] : [path])),
    missing: names.flatMap(([name, path]) => (path === undefined ? [name] : [])),
  };
}

/** Which packages an image takes, which it does not need, and what it lacks. */
export interface PackageNeeds {
  readonly used: ReadonlySet<string>;
  readonly missing: readonly MissingNeed[];
}

/**
 * Finds the packages that are needed, beginning with those that were asked for. A dependency without programs of its own
 * (libraries, modules, data) is needed. One with programs is needed when a file of the depending package names one of
 * its files: as a library, as interpreter of a program, as target of a link; or when the depending package has no programs
 * itself, because then its dependencies are what it is for; or when both are parts of one source package.
 */
export function neededPackages(
  packages: readonly ResolvedPackage[],
  roots: readonly string[],
  tree: ReadonlyMap<string, PackageFile>,
): PackageNeeds {
  const byName = new Map(packages.map((item) => [item.name, item]));
  const files = groupFiles(tree.values(), (file) => file.owner);
  const hasPrograms = (name: string) => (files.get(name) ?? []).some((file) => isProgram(file.path));
  const used = new Set<string>();
  const missing: MissingNeed[] = [];
  const queue = [...roots];
  for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
    const item = byName.get(name);
    if (item === undefined || used.has(name)) continue;
    used.add(name);
    const named = new Set<string>();
    for (const file of files.get(name) ?? []) {
      const needs = needsOf(tree, file);
      missing.push(...needs.missing.map((need) => ({ path: file.path, needs: need })));
      // Scripts in other places are examples and helpers for people: they do not bring an interpreter.
      const counts = file.kind !== 'file' || isProgram(file.path) || /\.so(\.|$)/.test(file.path);
      if (counts) for (const path of needs.paths) named.add(tree.get(path)?.owner ?? '');
    }
    const open = !hasPrograms(name);
    const oneSource = (other: string) => byName.get(other)?.source === item.source;
    queue.push(...item.depends.filter((other) => open || !hasPrograms(other) || named.has(other) || oneSource(other)));
    // A library may be named by a file whose package forgot to depend on it.
    queue.push(...[...named].filter((other) => byName.has(other)));
  }
  return { used, missing };
}
