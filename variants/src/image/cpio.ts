/** One entry of an archive. Directories above it are added by {@link writeCpio}. */
export type CpioEntry =
  | {
      readonly path: string;
      readonly kind: 'file';
      readonly mode: number;
      readonly data: Buffer;
      /** Of the last change, in seconds; without, what the archive's options say. */
      readonly time?: number;
    }
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

/** Bytes of the fixed part of a member's header. */
const HEADER = 110;
const PAGE = 4096;

/**
 * Header, name and data of one member, each ended on a multiple of four bytes.
 * @param at where the member begins in the archive; given, data of a page and more begins on a page's boundary
 */
function member(
  path: string,
  inode: number,
  mode: number,
  links: number,
  data: Buffer,
  device: readonly [number, number],
  time: number,
  at?: number,
): Buffer[] {
  let name = Buffer.from(`${path}\0`);
  if (at !== undefined && data.length >= PAGE) {
    // Zeros after the name's end are the one place where the format has room.
    name = Buffer.concat([name, Buffer.alloc(-(at + HEADER + name.length) & (PAGE - 1))]);
  }
  const fields = [inode, mode, 0, 0, links, time, data.length, 0, 0, device[0], device[1], name.length, 0];
  const header = `070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}`;
  return [padded(Buffer.concat([Buffer.from(header), name])), data, Buffer.alloc(-data.length & 3)];
}

/** How to write an archive. */
export interface CpioOptions {
  /**
   * Data of 4096 bytes and more begins at a multiple of 4096, so that a kernel that has the archive in memory can use
   * its pages in place; the archive's length is such a multiple too, so that archives one after the other keep this.
   */
  readonly alignPages?: boolean;
  /** Time of the last change of all that has none of its own, in seconds; default: 0. */
  readonly time?: number;
}

/**
 * Writes an initramfs in the "newc" format (Linux, Documentation/driver-api/early-userspace/buffer-format.rst). The same
 * entries give the same bytes, in whatever order: members are sorted by path, owners are zero, inodes are counted.
 * @throws RangeError for a path that is absolute, not normal, or given twice
 */
export function writeCpio(entries: readonly CpioEntry[], { alignPages = false, time = 0 }: CpioOptions = {}): Buffer {
  const parts: Buffer[] = [];
  let length = 0;
  const add = (buffers: readonly Buffer[]): void => {
    for (const buffer of buffers) {
      parts.push(buffer);
      length += buffer.length;
    }
  };
  for (const [index, entry] of sortedWithParents(entries).entries()) {
    const links = entry.kind === 'directory' ? 2 : 1;
    const device = entry.kind === 'character-device' ? entry.device : ([0, 0] as const);
    const at = alignPages ? length : undefined;
    const changed = (entry.kind === 'file' ? entry.time : undefined) ?? time;
    add(member(entry.path, index + 1, typeAndMode(entry), links, dataOf(entry), device, changed, at));
  }
  add(member('TRAILER!!!', 0, 0, 1, Buffer.alloc(0), [0, 0], 0));
  if (alignPages) add([Buffer.alloc(-length & (PAGE - 1))]);
  return Buffer.concat(parts);
}

function sortedWithParents(entries: readonly CpioEntry[]): CpioEntry[] {
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
  return [...byPath.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
}
