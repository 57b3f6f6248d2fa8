import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { messageOf, UserError } from '../errors.ts';

const name = z.string().regex(/^[a-z0-9][a-z0-9.+-]*$/);
const identity = z.strictObject({
  name,
  version: z.string().regex(/^[A-Za-z0-9.+:~-]+$/),
  architecture: z.string().regex(/^[a-z0-9-]+$/),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
});

/** A package with the packages it needs to run and the programs it has. */
export const resolvedPackage = identity.extend({ source: name, depends: z.array(name) });

/** Version and sum of every package: of the Linux subjects, set by set, and of images of programs, with who needs whom. */
export const packageLockSchema = z.strictObject({
  schema: z.literal(2),
  sets: z.strictObject({ kernel: z.array(identity).min(1), memcached: z.array(identity).min(1) }),
  images: z.array(resolvedPackage.extend({ programs: z.array(z.string()) })).min(1),
});
export type PackageLock = z.infer<typeof packageLockSchema>;

/** Where the versions are pinned; written by `npm run lock`. */
export const packageLockFile = new URL('packages.lock.json', import.meta.url);

/**
 * Reads the lock file.
 * @throws UserError naming the file and what is wrong with it
 */
export async function readPackageLock(file: URL = packageLockFile): Promise<PackageLock> {
  try {
    return packageLockSchema.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch (error) {
    const what = error instanceof z.ZodError ? z.prettifyError(error) : messageOf(error);
    throw new UserError(`${file.pathname}: ${what}\nWrite it anew with: npm run lock`);
  }
}
