import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  bootOptions,
  defaultValues,
  isAdded,
  type KernelImage,
  type ProgramImage,
  type ProgramStart,
  programArchive,
  type VariantValues,
} from '@plumbline/variants';
import { DeadlineError, withDeadline } from '../deadline.ts';
import { EnvironmentError, UsageError } from '../errors.ts';
import type { GuestAccelerator } from './accelerator.ts';
import { type GuestExit, lastLines, panicText } from './exit.ts';
import { guestCommand, launchGuest } from './guest.ts';
import type { GuestConfig, Machine } from './machine.ts';
import { Resources } from './run-directory.ts';

/** An unmodified program and the machine that runs it. */
export interface ProgramBoot extends ProgramStart {
  readonly kernel: KernelImage;
  /** Debian packages as {@link buildProgramImage} makes them an image; without, there are only `files`. */
  readonly image?: ProgramImage;
  readonly accelerator: GuestAccelerator;
  /** Default: microvm. */
  readonly machine?: Machine;
  /** Default: 1. */
  readonly vcpus?: number;
  /** Default: {@link PROGRAM_MEMORY}. */
  readonly memoryBytes?: number;
  /** The kernel's variant; default: the default preset. */
  readonly variant?: VariantValues;
  /** Further boot options of the kernel, by name. */
  readonly options?: Readonly<Record<string, string>>;
  /** The network device; default: none. */
  readonly network?: GuestConfig['network'];
}

/** Memory of a guest that runs a program, unless it is told otherwise. */
export const PROGRAM_MEMORY = 512 << 20;

/** How a program ended. */
export type ProgramEnd =
  | { readonly kind: 'exit'; readonly status: number }
  | { readonly kind: 'signal'; readonly number: number; readonly name: string };

/** What a guest that ran a program leaves. */
export interface ProgramResult {
  /** Every byte the program wrote to its standard output and standard error. */
  readonly stdout: Buffer;
  /** The kernel's log. */
  readonly log: string;
  /** How the program ended; undefined when the guest did not come so far. */
  readonly end: ProgramEnd | undefined;
  /** The kernel's panic, when that is what happened. */
  readonly panic: string | undefined;
  readonly guest: GuestExit;
}

/** How the program ended, from the kernel's log. */
export function programEnd(log: string): ProgramEnd | undefined {
  const exit = /^.*\bprogram: exit status (\d+)\s*$/m.exec(log)?.[1];
  if (exit !== undefined) return { kind: 'exit', status: Number(exit) };
  const killed = /^.*\bprogram: killed by signal (\d+) \((\w+)\)/m.exec(log);
  if (killed === null) return undefined;
  return { kind: 'signal', number: Number(killed[1]), name: killed[2] ?? '' };
}

/** The status a shell gives for the end of a program. */
export function shellStatus(end: ProgramEnd): number {
  return end.kind === 'exit' ? end.status : 128 + end.number;
}

/** The parts of a guest's configuration that concern its program; serial port and console are the caller's. */
export async function programConfig(boot: ProgramBoot, directory: string): Promise<Omit<GuestConfig, 'serial'>> {
  const [program = ''] = boot.argv;
  const added = isAdded(program, boot.files ?? [], boot.directory);
  if (boot.image && !program.includes('/') && !added && !boot.image.report.programs.includes(program)) {
    const names = boot.image.report.programs;
    throw new UsageError(
      `no program "${program}" in the image${names.length === 0 ? '' : `; it has ${names.slice(0, 30).join(', ')}${names.length > 30 ? ', ...' : ''}`}. Name the package that has it with --packages.`,
    );
  }
  const archive = join(directory, 'program.cpio');
  writeFileSync(archive, await programArchive(boot));
  const options = { run: 'program', ...bootOptions(boot.variant ?? defaultValues()), ...boot.options };
  return {
    accelerator: boot.accelerator,
    machine: boot.machine ?? 'microvm',
    vcpus: boot.vcpus ?? 1,
    memoryBytes: boot.memoryBytes ?? PROGRAM_MEMORY,
    kernel: boot.kernel.boot,
    firmware: { image: boot.kernel.firmware, startInfo: join(directory, 'start-info.bin') },
    modules: { ...(boot.image ? { image: boot.image } : {}), own: archive, joined: join(directory, 'modules.cpio') },
    options: Object.entries(options)
      .map(([name, value]) => `${name}=${value}`)
      .join(' '),
    entropy: true,
    ...(boot.network ? { network: boot.network } : {}),
  };
}

/**
 * Runs a program in a guest of our kernel to its end.
 * @param deadlineMs from the start of QEMU
 * @throws DeadlineError with the end of the kernel's log, when the guest has not ended by then; it is stopped
 * @throws EnvironmentError when QEMU itself fails
 */
export async function runProgram(boot: ProgramBoot, deadlineMs: number): Promise<ProgramResult> {
  const resources = new Resources();
  try {
    const directory = resources.directory();
    const serial = join(directory, 'serial.log');
    const console = join(directory, 'console.out');
    writeFileSync(console, '');
    const config: GuestConfig = { ...(await programConfig(boot, directory)), serial, console };
    const running = launchGuest({ ...guestCommand(config), logs: [serial] }, resources);
    const guest = await withDeadline(running.exited, deadlineMs, boot.argv.join(' ')).catch((error: unknown) => {
      if (!(error instanceof DeadlineError)) throw error;
      error.message += `\n${lastLines(running.log())}\n${lastLines(readFileSync(console, 'utf8'))}`;
      throw error;
    });
    if (guest.kind === 'vmm-failed') throw new EnvironmentError(guest.text);
    const log = running.log();
    return {
      stdout: readFileSync(console),
      log,
      end: programEnd(log),
      panic: guest.kind === 'panic' ? guest.text : panicText(log),
      guest,
    };
  } finally {
    await resources.close();
  }
}
