import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { readBuildId } from '../elf.ts';
import { type CallSite, findSites, type SiteSearch } from './find-sites.ts';

/** Folder of the lists in an image; a list's name is the object's build id. */
export const SITE_FOLDER = '.plumbline/sites';

/** The list of one object. */
export interface SiteList {
  /** GNU build id, lower-case hexadecimal. */
  readonly buildId: string;
  readonly search: SiteSearch;
}

/**
 * The file that tells the kernel where an object's `syscall` instructions can be replaced. Little endian: "PLSITES1", the
 * count (4 bytes), and for each site the window's virtual address (4), its length (1), the offset of the `syscall` in it
 * (1) and 2 bytes of zero, in the order of addresses.
 */
export function encodeSiteList(sites: readonly CallSite[]): Buffer {
  const bytes = Buffer.alloc(12 + 8 * sites.length);
  bytes.write('PLSITES1', 'latin1');
  bytes.writeUInt32LE(sites.length, 8);
  for (const [index, { window, length, offset }] of sites.entries()) {
    const at = 12 + 8 * index;
    bytes.writeUInt32LE(window, at);
    bytes.writeUInt8(length, at + 4);
    bytes.writeUInt8(offset, at + 5);
  }
  return bytes;
}

/** Change it when the search gives other results, so that kept ones are not mistaken for new ones. */
const METHOD = 2;

const cacheDirectory = fileURLToPath(new URL('../../../build/cache/sites', import.meta.url));

const searchSchema = z.object({
  sites: z.array(z.object({ window: z.int(), length: z.int(), offset: z.int() })),
  refused: z.array(z.object({ address: z.int(), reason: z.string() })),
});

/** As {@link findSites}, with the result kept by the file's content: disassembling a large library takes seconds. */
async function search(file: string, bytes: Buffer, cache: string): Promise<SiteSearch | undefined> {
  // Without these bytes there is nothing to find, and nothing to keep.
  if (!bytes.includes(Buffer.from([0x0f, 0x05]))) return findSites(file, bytes);
  const key = createHash('sha256').update(bytes).digest('hex').slice(0, 32);
  const kept = join(cache, `${key}-${METHOD}.json`);
  try {
    return searchSchema.parse(JSON.parse(await readFile(kept, 'utf8')));
  } catch {
    // Not there yet, or not whole: it is made now.
  }
  const found = await findSites(file, bytes);
  if (found === undefined) return undefined;
  await mkdir(cache, { recursive: true });
  const temporary = `${kept}.${randomUUID()}`;
  await writeFile(temporary, JSON.stringify(found));
  await rename(temporary, kept);
  return found;
}

/**
 * Finds the system call sites of an ELF file.
 * @returns undefined when it has none, or no build id to name it by
 */
export async function siteListOf(file: string, bytes: Buffer, cache = cacheDirectory): Promise<SiteList | undefined> {
  if (bytes.length < 4 || bytes.readUInt32BE(0) !== 0x7f454c46) return undefined;
  const found = await search(file, bytes, cache);
  if (found === undefined || found.sites.length + found.refused.length === 0) return undefined;
  try {
    return { buildId: readBuildId(file, bytes), search: found };
  } catch {
    return undefined;
  }
}
