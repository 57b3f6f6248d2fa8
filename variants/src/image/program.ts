import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, posix } from 'node:path';
import { UsageError } from '../errors.ts';
import { encodeSiteList, SITE_FOLDER, siteListOf } from '../sites/site-list.ts';
import { type CpioEntry, writeCpio } from './cpio.ts';
import { mergedPath } from './file-tree.ts';
import { IMAGE_TIME, systemEntries } from './system-files.ts';

/** A file or a directory of this machine, and where it is in the guest. */
export interface AddedFile {
  readonly host: string;
  /** Absolute path in the guest. */
  readonly guest: string;
}

/** Whether a program is one of the files that are added: by its path, or by its name when it is to be searched for. */
export function isAdded(program: string, files: readonly AddedFile[], directory = '/'): boolean {
  if (!program.includes('/')) return files.some(({ guest }) => posix.basename(guest) === program);
  const path = posix.resolve(directory, program);
  return files.some(({ guest }) => path === posix.normalize(guest) || path.startsWith(`${posix.normalize(guest)}/`));
}

/** What a guest runs. */
export interface ProgramStart {
  /** The program, found by PATH when it has no slash, and its arguments. */
  readonly argv: readonly string[];
  /** Environment entries by name, over {@link DEFAULT_ENVIRONMENT}. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Working directory; default `/`. */
  readonly directory?: string;
  /** Files beside those of the image. */
  readonly files?: readonly AddedFile[];
}

/** The environment of a program unless it is told otherwise. */
export const DEFAULT_ENVIRONMENT: Readonly<Record<string, string>> = {
  HOME: '/root',
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  TERM: 'dumb',
};

/** Where the kernel finds what to run: its boot option `run=program`. */
const PROGRAM_FILE = '.plumbline/program';

/**
 * The bytes of /.plumbline/program: zero-terminated strings: the number of arguments, the arguments, the number of
 * environment entries, the entries, the working directory.
 */
function startFile({ argv, environment, directory = '/' }: ProgramStart): Buffer {
  const entries = Object.entries({ ...DEFAULT_ENVIRONMENT, ...environment }).map(([name, value]) => `${name}=${value}`);
  const strings = [String(argv.length), ...argv, String(entries.length), ...entries.sort(), directory];
  const bad = strings.find((text) => text.includes('\0'));
  if (bad !== undefined) throw new UsageError(`a program's arguments and environment have no zero byte: "${bad}".`);
  return Buffer.from(strings.map((text) => `${text}\0`).join(''));
}

function addedEntries({ host, guest }: AddedFile): CpioEntry[] {
  const path = mergedPath(posix.normalize(guest));
  const stat = statSync(host);
  if (!stat.isDirectory()) {
    return [{ path, kind: 'file', mode: (stat.mode & 0o111) === 0 ? 0o644 : 0o755, data: readFileSync(host) }];
  }
  const below = readdirSync(host).flatMap((name) =>
    addedEntries({ host: join(host, name), guest: `${posix.normalize(guest)}/${name}` }),
  );
  return [{ path, kind: 'directory', mode: 0o755 }, ...below];
}

/** Lists of the system call sites of programs among the added files: those linked statically have their own. */
async function siteEntries(files: readonly AddedFile[]): Promise<CpioEntry[]> {
  const entries = new Map<string, CpioEntry>();
  for (const { host } of files) {
    if (!statSync(host).isFile()) continue;
    const list = await siteListOf(host, readFileSync(host));
    if (list === undefined || list.search.sites.length === 0) continue;
    const path = `${SITE_FOLDER}/${list.buildId}`;
    entries.set(path, { path, kind: 'file', mode: 0o644, data: encodeSiteList(list.search.sites) });
  }
  return [...entries.values()];
}

/** Whether a directory is above one of the entries. */
function isParent(path: string, entries: readonly CpioEntry[]): boolean {
  return entries.some((entry) => entry.path.startsWith(`${path}/`));
}

/**
 * The archive that tells one boot what to run, with the files that are added for it. It comes after the image's archive,
 * whose files of the same name it replaces.
 * @throws UsageError for a string with a zero byte, a file that is added twice, or a path that is not absolute
 * @throws the file system's error when a file cannot be read
 */
export async function programArchive(start: ProgramStart): Promise<Buffer> {
  const [program] = start.argv;
  if (program === undefined || program === '') throw new UsageError('a program to run has no name.');
  for (const path of [...(start.files ?? []).map(({ guest }) => guest), start.directory ?? '/']) {
    if (!path.startsWith('/')) throw new UsageError(`"${path}" is not an absolute path of the guest.`);
  }
  const added: CpioEntry[] = [
    { path: PROGRAM_FILE, kind: 'file', mode: 0o644, data: startFile(start) },
    ...(start.files ?? []).flatMap(addedEntries),
  ];
  added.push(...(await siteEntries(start.files ?? [])));
  const paths = new Set(added.map(({ path }) => path));
  const twice = added.find(({ path }, index) => added.findIndex((other) => other.path === path) !== index);
  if (twice !== undefined) throw new UsageError(`the file /${twice.path} of the guest is given twice.`);
  // Directories on the way keep the mode they have in every image: /tmp stays writable for everybody.
  const parents = systemEntries().filter(
    (entry) => entry.kind === 'directory' && !paths.has(entry.path) && isParent(entry.path, added),
  );
  return writeCpio([...parents, ...added], { alignPages: true, time: IMAGE_TIME });
}
