import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const root = fileURLToPath(new URL('../../../', import.meta.url));

/** Where the build puts the generator's program. */
export const generatorBinary = `${root}build/generator/plumbline-generator`;

/**
 * Builds the generator when it is not up to date.
 * @throws Error with the build's output; the next step is in it (a missing package is named by CMake).
 */
export async function buildGenerator(): Promise<string> {
  const run = promisify(execFile);
  const source = `${root}bench/generator`;
  try {
    await run('cmake', ['--preset', 'generator'], { cwd: source, timeout: 60_000 });
    // The program alone: its unit tests need packages that only `npm test` installs.
    const build = ['--build', '--preset', 'generator', '--target', 'plumbline-generator', '--parallel', '2'];
    await run('cmake', build, { cwd: source, timeout: 600_000 });
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    throw new Error(`the load generator does not build:\n${stdout}${stderr}`.trimEnd(), { cause: error });
  }
  return generatorBinary;
}
