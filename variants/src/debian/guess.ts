import { posix } from 'node:path';
import { readPackageLock } from './lock.ts';

/**
 * Guesses which package has a program: the package of the program's name, else the one locked package that has it.
 * @param program name or path of the program
 * @returns candidates: one means that the guess is safe; several or none, that the user has to say
 */
export async function packagesOfProgram(program: string): Promise<string[]> {
  const name = posix.basename(program);
  const { images } = await readPackageLock();
  if (images.some((item) => item.name === name)) return [name];
  const having = images.filter((item) => item.programs.includes(name)).map((item) => item.name);
  if (having.length > 0) return having;
  // Not one of the locked packages: Debian names most programs' packages like the program.
  return /^[a-z0-9][a-z0-9.+-]+$/.test(name) ? [name] : [];
}
