/** One entry of an archive. Directories above it are added by {@link writeCpio}. */
export type CpioEntry =
  | { readonly path: string; readonly kind: 'file'; readonly mode: number; readonly data: Buffer }
  | { readonly path: string; readonly kind: 'symlink'; readonly target: string }
  | { readonly path: string; readonly kind: 'directory'; readonly mode: number }
  | {
      readonly path: string;
      readonly kind: 'character-device';
      readonly mode: number;
      readonly device: readonly [number, number];
    };

const S_IFCHR = 0o020000;
const S_IFDIR = 0o040000;
const S_IFREG = 0o100000;
const S_IFLNK = 0o120000;

function typeAndMode(entry: CpioEntry): number {
  if (entry.kind === 'file') return S_IFREG | entry.mode;
  if (entry.kind === 'directory') return S_IFDIR | entry.mode;
  if (entry.kind === 'symlink') return S_IFLNK | 0o777;
  return S_IFCHR | entry.mode;
}

function dataOf(entry: CpioEntry): Buffer {
  if (entry.kind === 'file') return entry.data;
  return entry.kind === 'symlink' ? Buffer.from(entry.target) : Buffer.alloc(0);
}

function padded(buffer: Buffer): Buffer {
  return Buffer.concat([buffer, Buffer.alloc(-buffer.length & 3)]);
}

/** Header, name and data of one member, each ended on a multiple of four bytes. */
function member(
  path: string,
  inode: number,
  mode: number,
  links: number,
  data: Buffer,
  device: readonly [number, number],
): Buffer {
  const name = Buffer.from(`${path}\0`);
  const fields = [inode, mode, 0, 0, links, 0, data.length, 0, 0, device[0], device[1], name.length, 0];
  const header = `070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}`;
  return Buffer.concat([padded(Buffer.concat([Buffer.from(header), name])), padded(data)]);
}

/**
 * Writes an initramfs in the "newc" format (Linux, Documentation/driver-api/early-userspace/buffer-format.rst). The same
 * entries give the same bytes, in whatever order: members are sorted by path, owner and times are zero, inodes are counted.
 * @throws RangeError for a path that is absolute, not normal, or given twice
 */
export function writeCpio(entries: readonly CpioEntry[]): Buffer {
  const byPath = new Map<string, CpioEntry>();
  for (const entry of entries) {
    const parts = entry.path.split('/');
    if (parts.some((part) => part === '' || part === '.' || part === '..') || entry.path.includes('\0')) {
      throw new RangeError(`cpio: path "${entry.path}" is not relative and normal`);
    }
    if (byPath.get(entry.path) !== undefined) throw new RangeError(`cpio: path "${entry.path}" is given twice`);
    byPath.set(entry.path, entry);
  }
  for (const { path } of entries) {
    for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) {
      const parent = path.slice(0, end);
      if (!byPath.has(parent)) byPath.set(parent, { path: parent, kind: 'directory', mode: 0o755 });
    }
  }
  // By code units, so that the order does not depend on the locale; a directory comes before what is in it.
  const sorted = [...byPath.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
  const members = sorted.map((entry, index) =>
    member(
      entry.path,
      index + 1,
      typeAndMode(entry),
      entry.kind === 'directory' ? 2 : 1,
      dataOf(entry),
      entry.kind === 'character-device' ? entry.device : [0, 0],
    ),
  );
  return Buffer.concat([...members, member('TRAILER!!!', 0, 0, 1, Buffer.alloc(0), [0, 0])]);
}
