import { type Dirent, readdirSync, readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { UnpackedPackage } from '../debian/package-cache.ts';
import { UserError } from '../errors.ts';

/** A file of a package as it would be installed. */
export type PackageFile = {
  /** Path in the image, without a leading slash, below the merged /usr. */
  readonly path: string;
  /** Name of the package. */
  readonly owner: string;
} & (
  | {
      readonly kind: 'file';
      readonly source: string;
      readonly size: number;
      readonly executable: boolean;
      readonly time: number;
    }
  | { readonly kind: 'symlink'; readonly target: string }
  | { readonly kind: 'directory' }
);

/** Directories that are one with the same name below /usr (Debian's merged /usr). */
export const MERGED_DIRECTORIES = ['bin', 'sbin', 'lib', 'lib64'] as const;

/** A path as the merged /usr has it, without a leading slash: `lib/x` becomes `usr/lib/x`. */
export function mergedPath(path: string): string {
  const relative = path.replace(/^\/+/, '');
  return MERGED_DIRECTORIES.some((name) => relative === name || relative.startsWith(`${name}/`))
    ? `usr/${relative}`
    : relative;
}

/** The files of one package. A second name of a file (a hard link) becomes a symbolic link to its first. */
export function packageFiles(item: UnpackedPackage): PackageFile[] {
  const files: PackageFile[] = [];
  const names = new Map<number, string>();
  const add = (relative: string, entry: Dirent): void => {
    const source = join(item.directory, relative);
    const path = mergedPath(relative);
    const owner = item.name;
    if (entry.isDirectory()) {
      files.push({ path, owner, kind: 'directory' });
      walk(relative);
    } else if (entry.isSymbolicLink()) {
      files.push({ path, owner, kind: 'symlink', target: readlinkSync(source) });
    } else {
      const { ino, nlink, size, mode, mtimeMs } = statSync(source);
      const first = nlink > 1 ? names.get(ino) : undefined;
      if (first !== undefined) files.push({ path, owner, kind: 'symlink', target: `/${first}` });
      else {
        // The package's archive has it: the same wherever it is unpacked.
        const time = Math.floor(mtimeMs / 1000);
        files.push({ path, owner, kind: 'file', source, size, executable: (mode & 0o111) !== 0, time });
      }
      names.set(ino, path);
    }
  };
  const walk = (relative: string): void => {
    const entries = readdirSync(join(item.directory, relative), { withFileTypes: true });
    // In one order everywhere: which of two hard links comes first must not depend on the file system.
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      if (relative === '' && entry.name === 'DEBIAN') continue;
      add(relative === '' ? entry.name : `${relative}/${entry.name}`, entry);
    }
  };
  walk('');
  return files;
}

/**
 * The files of several packages together, by path.
 * @throws UserError when two packages have the same file, which Debian's packages do only when they exclude each other
 */
export function mergeFiles(lists: readonly (readonly PackageFile[])[]): Map<string, PackageFile> {
  const tree = new Map<string, PackageFile>();
  for (const file of lists.flat()) {
    const other = tree.get(file.path);
    if (other !== undefined && !(other.kind === 'directory' && file.kind === 'directory')) {
      throw new UserError(
        `the packages ${other.owner} and ${file.owner} both have /${file.path}: they cannot be in one image.`,
      );
    }
    tree.set(file.path, file);
  }
  return tree;
}

/** Files by a property of theirs. */
export function groupFiles<Key>(
  files: Iterable<PackageFile>,
  keyOf: (file: PackageFile) => Key,
): Map<Key, PackageFile[]> {
  const groups = new Map<Key, PackageFile[]>();
  for (const file of files) {
    const key = keyOf(file);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [file]);
    else group.push(file);
  }
  return groups;
}
