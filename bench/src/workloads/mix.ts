import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { BenchError, messageOf, UsageError } from '../errors.ts';
import { keyspaceSchema, popularitySchema, sizesSchema, type Traffic } from '../generator/protocol.ts';
import { derivedSeed } from './random.ts';

const FOLDER = fileURLToPath(new URL('../../../datasets/workloads/', import.meta.url));

/** A mix of requests, as a file of datasets/workloads describes it. */
export const mixSchema = z.strictObject({
  name: z.string().regex(/^[a-z][a-z0-9-]*$/),
  title: z.string().min(1),
  /** Where the figures come from. */
  source: z.string().min(1),
  notes: z.string(),
  keys: keyspaceSchema.shape.keys,
  /** Share of gets; the rest are sets. */
  getShare: z.number().min(0).max(1),
  keySizes: sizesSchema,
  valueSizes: sizesSchema,
  popularity: popularitySchema,
});
export type Mix = z.infer<typeof mixSchema>;

/** The names of the mixes there are. */
export function mixNames(folder = FOLDER): string[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.json'))
    .map((file) => basename(file, '.json'))
    .sort();
}

/**
 * Reads a mix.
 * @throws UsageError for a name that does not exist, BenchError naming file and field for a bad file.
 */
export function loadMix(name: string, folder = FOLDER): Mix {
  const names = mixNames(folder);
  if (!names.includes(name)) throw UsageError.badValue('mix', name, names.join(', '));
  const file = join(folder, `${name}.json`);
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new BenchError(`${file}: not JSON (${messageOf(error)})`, 65);
  }
  const parsed = mixSchema.safeParse(content);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new BenchError(`${file}: field ${issue?.path.join('.') ?? '?'}: ${issue?.message ?? 'invalid'}`, 65);
  }
  if (parsed.data.name !== name)
    throw new BenchError(`${file}: field name: "${parsed.data.name}" must be the file's name`, 65);
  return parsed.data;
}

/** The mix as traffic for the generator. */
export function memcachedTraffic(mix: Mix, seed: number): Extract<Traffic, { protocol: 'memcached' }> {
  return {
    protocol: 'memcached',
    port: 11211,
    keyspace: { keys: mix.keys, keySizes: mix.keySizes, valueSizes: mix.valueSizes, seed },
    popularity: mix.popularity,
    getShare: mix.getShare,
  };
}

/** A mix by name as traffic, with one seed for all boots: the same keys and values everywhere. */
export function mixTraffic(name: string): Extract<Traffic, { protocol: 'memcached' }> {
  return memcachedTraffic(loadMix(name), derivedSeed(0, name === 'etc' ? 'etc' : 'plain'));
}
