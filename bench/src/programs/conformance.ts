import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runCommand } from '@plumbline/variants';
import type { ProgramEnd } from '../vmm/index.ts';

const SOURCES = fileURLToPath(new URL('../../../kernel/linux/conformance', import.meta.url));

/** The programs that say what Linux does, by the names of their sources. */
export const CONFORMANCE_PROGRAMS: readonly string[] = readdirSync(SOURCES)
  .filter((file) => file.endsWith('.c'))
  .map((file) => file.slice(0, -2))
  .sort();

/** Those that test what is so for programs that cannot be moved (ET_EXEC, as Debian's python3). */
const AT_FIXED_ADDRESSES: ReadonlySet<string> = new Set(['low_futexes']);

/**
 * Compiles one of them for Linux.
 * @param folder an existing folder for the result
 * @returns path of the program
 * @throws CommandError with the compiler's messages
 */
export async function compileConformanceProgram(name: string, folder: string): Promise<string> {
  const program = join(folder, name);
  // Wrong calls are made on purpose: what the compiler knows about them stays unsaid.
  const quiet = ['-Wno-stringop-overflow', '-Wno-stringop-overread', '-Wno-unused-but-set-variable', '-Wno-nonnull'];
  const strict = ['-std=gnu11', '-O1', '-Wall', '-Wextra', '-Werror', '-D_GNU_SOURCE', '-pthread', '-fexceptions'];
  const place = AT_FIXED_ADDRESSES.has(name) ? ['-no-pie'] : [];
  await runCommand(['gcc-12', ...strict, ...quiet, ...place, '-o', program, join(SOURCES, `${name}.c`), '-lm'], {
    deadlineMs: 60_000,
  });
  return program;
}

/** What a program printed, and how it ended. */
export interface LinuxResult {
  readonly stdout: Buffer;
  readonly end: ProgramEnd;
}

/**
 * Runs a program on this machine, in an empty folder, without input, with the environment that our kernel gives programs.
 */
export async function runOnLinux(program: string): Promise<LinuxResult> {
  // A tmpfs, as programs find it on our kernel: what directories say about themselves differs between file systems.
  const directory = mkdtempSync('/dev/shm/plumbline-run-');
  try {
    const child = spawn(program, [], {
      cwd: directory,
      env: { PATH: '/usr/bin:/bin', HOME: '/root' },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 60_000,
      killSignal: 'SIGKILL',
    });
    const output: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => output.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => output.push(chunk));
    const [status, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (code, name) => resolve([code, name]));
    });
    const stdout = Buffer.concat(output);
    if (signal !== null) return { stdout, end: { kind: 'signal', number: constants.signals[signal], name: signal } };
    return { stdout, end: { kind: 'exit', status: status ?? -1 } };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
