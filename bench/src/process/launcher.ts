import { execFileSync } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { EnvironmentError, messageOf } from '../errors.ts';

const SOURCE = fileURLToPath(new URL('launcher.c', import.meta.url));
const OUTPUT = fileURLToPath(new URL('../../../build/launcher', import.meta.url));
/** Static: without a dynamic linker it starts in 0.3 ms. */
const FLAGS = ['-std=gnu11', '-O2', '-static', '-Wall', '-Wextra', '-Werror'];

let program: string | undefined;

/**
 * The launcher, compiled once for each state of its source; the name tells the content, so what is there is right.
 * @throws EnvironmentError with the compiler's words
 */
function launcher(): string {
  if (program !== undefined) return program;
  const inputs = createHash('sha256').update(FLAGS.join(' ')).update(readFileSync(SOURCE)).digest('hex');
  const file = join(OUTPUT, inputs.slice(0, 16));
  if (!existsSync(file)) {
    mkdirSync(OUTPUT, { recursive: true });
    const unfinished = `${file}.${randomUUID()}`;
    try {
      execFileSync('gcc-12', [...FLAGS, '-o', unfinished, SOURCE], {
        stdio: ['ignore', 'pipe', 'pipe'],
        timeout: 60_000,
      });
    } catch (error) {
      throw new EnvironmentError(`${SOURCE} cannot be compiled: ${messageOf(error)}`, { cause: error });
    }
    const whole = openSync(unfinished, 'r');
    fsyncSync(whole);
    closeSync(whole);
    renameSync(unfinished, file);
  }
  program = file;
  return file;
}

/**
 * Argv that makes a direct child of ours die when we do, however we die, and keeps it to some CPUs from its first
 * instruction on. The child becomes the program: same process id. Status 127 when the program is not found.
 * @param cpus allowed CPUs; all of ours when absent.
 */
export function boundToUs(argv: readonly string[], cpus?: readonly number[]): [string, ...string[]] {
  return [launcher(), String(process.pid), cpus === undefined ? '-' : cpus.join(','), ...argv];
}
