import { open, rename } from 'node:fs/promises';

/**
 * Writes a file whole or not at all: into a draft beside it, to the disk, then renamed.
 *
 * @throws the file system's error; what the file held before is then intact
 */
export async function writeWhole(file: string, content: string | Uint8Array): Promise<void> {
  const draft = `${file}.${process.pid}.draft`;
  const handle = await open(draft, 'w');
  try {
    await handle.writeFile(content);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(draft, file);
}
