import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { parseDataset } from './reader.ts';
import { type DatasetRecord, recordSchema } from './schema.ts';

/** A record could not be stored. What was stored before is intact. Exit code 74 (EX_IOERR). */
export class DatasetWriteError extends Error {
  readonly exitCode = 74;
  constructor(file: string, cause: NodeJS.ErrnoException) {
    const why =
      cause.code === 'ENOSPC' ? 'the disk is full; free some space and run again with --resume' : cause.message;
    super(`${file}: the sample could not be stored (${why}). All earlier samples are intact.`, { cause });
    this.name = 'DatasetWriteError';
  }
}

/**
 * Appends records to one dataset file, each on stable storage before `append` returns. A record is in the file whole
 * or not at all: a write that fails is cut off again, and a torn last line left by a killed run is cut off on opening.
 */
export class DatasetWriter {
  readonly file: string;
  private readonly handle: FileHandle;
  private length: number;
  private readonly provenances: Set<string>;

  private constructor(file: string, handle: FileHandle, length: number, provenances: Set<string>) {
    this.file = file;
    this.handle = handle;
    this.length = length;
    this.provenances = provenances;
  }

  /**
   * Opens a file for appending, making it and its folder when missing.
   *
   * @throws CorruptDatasetError when the file holds a line that is not a record
   */
  static async open(file: string): Promise<DatasetWriter> {
    try {
      await mkdir(dirname(file), { recursive: true });
      const handle = await open(file, 'a+');
      try {
        const text = await handle.readFile('utf8');
        const { records, tornBytes } = parseDataset(file, text);
        const length = Buffer.byteLength(text) - tornBytes;
        if (tornBytes > 0) await handle.truncate(length);
        const ids = records.flatMap((record) => (record.kind === 'provenance' ? [record.id] : []));
        return new DatasetWriter(file, handle, length, new Set(ids));
      } catch (error) {
        await handle.close();
        throw error;
      }
    } catch (error) {
      if (isErrno(error)) throw new DatasetWriteError(file, error);
      throw error;
    }
  }

  /**
   * Stores records in order, all or none. A provenance record that the file already has is not repeated.
   *
   * @throws ZodError when a record does not fit the schema, DatasetWriteError when it cannot be stored
   */
  async append(...records: DatasetRecord[]): Promise<void> {
    const fresh = records
      .map((record) => recordSchema.parse(record))
      .filter((record) => record.kind !== 'provenance' || !this.provenances.has(record.id));
    if (fresh.length === 0) return;
    const bytes = Buffer.from(fresh.map((record) => `${JSON.stringify(record)}\n`).join(''));
    try {
      let written = 0;
      while (written < bytes.length) {
        written += (await this.handle.write(bytes, written, bytes.length - written)).bytesWritten;
      }
      await this.handle.datasync();
    } catch (error) {
      await this.handle.truncate(this.length).catch(() => undefined);
      if (isErrno(error)) throw new DatasetWriteError(this.file, error);
      throw error;
    }
    this.length += bytes.length;
    for (const record of fresh) if (record.kind === 'provenance') this.provenances.add(record.id);
  }

  async close(): Promise<void> {
    await this.handle.close();
  }
}

function isErrno(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'code' in error && 'syscall' in error;
}
