import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type DatasetRecord, recordSchema } from './schema.ts';

/** A line of a dataset that cannot be read: names file, line, field and what is wrong. Exit code 65 (EX_DATAERR). */
export class CorruptDatasetError extends Error {
  readonly exitCode = 65;
  readonly file: string;
  readonly line: number;
  constructor(file: string, line: number, what: string) {
    super(`${file}:${line}: ${what}`);
    this.name = 'CorruptDatasetError';
    this.file = file;
    this.line = line;
  }
}

export type ReadResult = {
  records: DatasetRecord[];
  /** Bytes of a last line without its newline: what a killed run was writing. Not part of the records. */
  tornBytes: number;
};

function parseLine(file: string, number: number, line: string): DatasetRecord {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    throw new CorruptDatasetError(file, number, `not JSON (${(error as Error).message}). ${REPAIR}`);
  }
  const parsed = recordSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const field = issue === undefined || issue.path.length === 0 ? 'record' : issue.path.join('.');
  throw new CorruptDatasetError(file, number, `field ${field}: ${issue?.message ?? 'invalid'}. ${REPAIR}`);
}

const REPAIR = 'Nothing was changed; correct or remove that line, the other lines are intact.';

/** Parses the text of a dataset file. The last line counts only when it ends in a newline. */
export function parseDataset(file: string, text: string): ReadResult {
  const end = text.lastIndexOf('\n');
  const lines = end < 0 ? [] : text.slice(0, end).split('\n');
  const records = lines.map((line, index) => parseLine(file, index + 1, line));
  return { records, tornBytes: Buffer.byteLength(text) - (end < 0 ? 0 : Buffer.byteLength(text.slice(0, end + 1))) };
}

/**
 * Reads one dataset file.
 *
 * @throws CorruptDatasetError naming file, line and field
 */
export async function readDataset(file: string): Promise<ReadResult> {
  return parseDataset(file, await readFile(file, 'utf8'));
}

/** The dataset files of a folder, oldest run first (run ids begin with their time). */
export async function listDatasets(folder: string): Promise<string[]> {
  const names = await readdir(folder);
  return names
    .filter((name) => name.endsWith('.jsonl'))
    .sort()
    .map((name) => join(folder, name));
}
