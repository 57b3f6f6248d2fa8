import { createHash } from 'node:crypto';
import { type Provenance, provenanceSchema, SCHEMA_VERSION } from './schema.ts';

/** JSON with object keys in sorted order, so that equal content has equal text. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (value !== null && typeof value === 'object') {
    const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
    return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${canonical(item)}`).join(',')}}`;
  }
  return JSON.stringify(value) ?? 'null';
}

/**
 * Makes a provenance record; its id is the SHA-256 of its content, so equal circumstances have one id in every file.
 *
 * @param content all fields but `kind`, `schema` and `id`
 * @throws ZodError when a field is missing or out of range
 */
export function makeProvenance(content: Omit<Provenance, 'kind' | 'schema' | 'id'>): Provenance {
  const id = createHash('sha256').update(canonical(content)).digest('hex');
  return provenanceSchema.parse({ kind: 'provenance', schema: SCHEMA_VERSION, id, ...content });
}
