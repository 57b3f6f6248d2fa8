import { createHash, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runCommand } from '@plumbline/variants';

const SOURCES = fileURLToPath(new URL('../../programs', import.meta.url));
const OUTPUT = fileURLToPath(new URL('../../../build/programs', import.meta.url));
const FLAGS = ['-std=gnu11', '-O2', '-Wall', '-Wextra', '-Werror', '-pthread'];

/**
 * Compiles a program of `bench/programs` for Linux, once for each state of its source: every subject runs these bytes.
 * @param name of the source, without `.c`
 * @param libraries shared libraries that it is linked with
 * @returns path of the program
 * @throws CommandError with the compiler's words
 */
export async function compileProgram(name: string, libraries: readonly string[] = []): Promise<string> {
  const source = join(SOURCES, `${name}.c`);
  const inputs = createHash('sha256')
    .update([...FLAGS, ...libraries].join(' '))
    .update(await readFile(source))
    .digest('hex');
  const program = join(OUTPUT, `${name}-${inputs.slice(0, 16)}`);
  if (existsSync(program)) return program;
  await mkdir(OUTPUT, { recursive: true });
  const unfinished = `${program}.${randomUUID()}`;
  await runCommand(['gcc-12', ...FLAGS, '-o', unfinished, source, ...libraries, '-Wl,--allow-shlib-undefined'], {
    deadlineMs: 60_000,
  });
  await rename(unfinished, program);
  return program;
}
