import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { BenchError } from '../errors.ts';

/** A kernel module, uncompressed. */
export interface KernelModule {
  /** File name, such as `virtio_net.ko`. */
  readonly file: string;
  readonly data: Buffer;
}

/** Modules may be named with `-` in files and `_` in dependencies. */
function moduleName(file: string): string {
  return file.replace(/\.ko(\.xz|\.zst|\.gz)?$/, '').replaceAll('-', '_');
}

const decompressors: Readonly<Record<string, readonly [string, ...string[]]>> = {
  '.xz': ['xz', '-dc'],
  '.zst': ['zstd', '-dcq'],
  '.gz': ['gzip', '-dc'],
};

async function readModule(path: string): Promise<Buffer> {
  const command = decompressors[/\.(xz|zst|gz)$/.exec(path)?.[0] ?? ''];
  if (command === undefined) return readFile(path);
  const [program, ...args] = command;
  const { stdout } = await promisify(execFile)(program, [...args, path], {
    encoding: 'buffer',
    maxBuffer: 64 << 20,
    timeout: 30_000,
  });
  return stdout;
}

/** The modules that a module names in its `depends=` field (ELF section .modinfo, zero-separated). */
export function moduleDependencies(data: Buffer): string[] {
  const at = data.indexOf('\0depends=');
  if (at < 0) return [];
  const start = at + '\0depends='.length;
  const text = data.toString('latin1', start, data.indexOf(0, start));
  return text
    .split(',')
    .filter((name) => name !== '')
    .map(moduleName);
}

/**
 * Reads modules and everything they depend on, in the order in which they can be loaded.
 * @param directory of one release, such as `/lib/modules/6.1.0-56-cloud-amd64`
 * @param wanted module names; one that is built into the kernel or gone in this release is passed over
 * @throws BenchError when a dependency is missing
 */
export async function readModules(directory: string, wanted: readonly string[]): Promise<KernelModule[]> {
  const files = new Map<string, string>();
  for (const path of await readdir(join(directory, 'kernel'), { recursive: true })) {
    if (/\.ko(\.\w+)?$/.test(path))
      files.set(moduleName(path.slice(path.lastIndexOf('/') + 1)), join(directory, 'kernel', path));
  }
  const loaded = new Map<string, KernelModule>();
  const visit = async (name: string): Promise<void> => {
    const path = files.get(name);
    if (loaded.has(name)) return;
    if (path === undefined) throw new BenchError(`kernel module ${name} is not below ${directory}`);
    const data = await readModule(path);
    for (const dependency of moduleDependencies(data)) await visit(dependency);
    loaded.set(name, { file: `${name}.ko`, data });
  };
  for (const name of wanted) if (files.has(name)) await visit(name);
  return [...loaded.values()];
}
