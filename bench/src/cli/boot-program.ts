import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import {
  type AddedFile,
  buildProgramImage,
  isAdded,
  type KernelImage,
  type ProgramImage,
  packagesOfProgram,
  splitCommandLine,
  type Variant,
} from '@plumbline/variants';
import { UsageError } from '../errors.ts';
import {
  type GuestAccelerator,
  type GuestConfig,
  guestCommand,
  lastLines,
  launchGuest,
  type Machine,
  PROGRAM_MEMORY,
  programConfig,
  programEnd,
  type Resources,
  shellStatus,
} from '../vmm/index.ts';

/** The options of `boot` that concern a program, as given. */
export interface ProgramOptions {
  readonly program?: string;
  readonly packages?: readonly string[];
  readonly env?: readonly string[];
  readonly cwd?: string;
  readonly file?: readonly string[];
  readonly verbose?: boolean;
}

/** The options, read: what to run, and the image to build for it. */
export interface ProgramRequest {
  readonly argv: readonly string[];
  readonly packages: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly directory: string;
  readonly files: readonly AddedFile[];
  /** What was guessed, for the user. */
  readonly notice?: string;
}

function environmentOf(entries: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    entries.map((entry) => {
      const at = entry.indexOf('=');
      if (at <= 0) throw UsageError.badValue('--env', entry, 'NAME=value');
      return [entry.slice(0, at), entry.slice(at + 1)];
    }),
  );
}

function filesOf(values: readonly string[]): AddedFile[] {
  return values.map((value) => {
    const match = /^(.+):(\/.*[^/])$/.exec(value);
    if (match === null) throw UsageError.badValue('--file', value, 'HOST:GUEST, with an absolute path of the guest');
    const host = resolve(match[1] ?? '');
    if (!existsSync(host)) throw new UsageError(`option --file: ${host} does not exist.`);
    return { host, guest: match[2] ?? '' };
  });
}

/** The packages of the image when none are named. */
async function guessPackages(program: string, added: boolean): Promise<{ packages: string[]; notice: string }> {
  if (added) return { packages: ['libc6'], notice: 'The image has the package libc6; name others with --packages.' };
  const found = await packagesOfProgram(program);
  const [only] = found;
  if (found.length === 1 && only !== undefined) {
    return { packages: [only], notice: `The image has the package ${only}; name others with --packages.` };
  }
  throw new UsageError(
    `option --packages: which Debian package has "${program}"? ${found.length === 0 ? 'None is known' : `There are ${found.join(', ')}`}; name it with --packages.`,
  );
}

/**
 * Reads the options.
 * @throws UsageError naming the option and what is allowed
 */
export async function programRequest(options: ProgramOptions & { program: string }): Promise<ProgramRequest> {
  const argv = splitCommandLine(options.program);
  const files = filesOf(options.file ?? []);
  const directory = options.cwd ?? '/';
  if (!directory.startsWith('/')) throw UsageError.badValue('--cwd', directory, 'an absolute path of the guest');
  const [program = ''] = argv;
  const chosen = options.packages
    ? { packages: options.packages }
    : await guessPackages(program, isAdded(program, files, directory));
  return { argv, files, directory, environment: environmentOf(options.env ?? []), ...chosen };
}

/** The machine that runs the program. */
export interface ProgramMachine {
  readonly accelerator: GuestAccelerator;
  readonly machine: Machine;
  readonly vcpus: number;
  readonly memoryBytes?: number | undefined;
  readonly variant: Variant;
  readonly kernelOptions: string;
  readonly network: NonNullable<GuestConfig['network']>;
  readonly gdbSocket?: string;
}

/** Builds the image of a request, telling the user what is not as expected. */
export async function imageOf(request: ProgramRequest, say: (line: string) => void): Promise<ProgramImage> {
  if (request.notice !== undefined) say(request.notice);
  const image = await buildProgramImage(request.packages, { onProgress: say });
  for (const notice of image.notices) say(notice);
  return image;
}

/** Copies what a file gains to our standard error until told to stop; then the rest. */
function follow(file: string): () => void {
  let done = 0;
  const copy = (): void => {
    if (!existsSync(file)) return;
    const bytes = readFileSync(file);
    if (bytes.length > done) process.stderr.write(bytes.subarray(done));
    done = Math.max(done, bytes.length);
  };
  const timer = setInterval(copy, 100);
  return () => {
    clearInterval(timer);
    copy();
  };
}

/**
 * Boots our kernel with a program whose input and output are ours, byte for byte.
 * @returns the program's exit status, 128 and its number after a signal; else the guest's
 */
export async function bootProgram(
  request: ProgramRequest,
  image: ProgramImage,
  kernel: KernelImage,
  machine: ProgramMachine,
  resources: Resources,
  verbose: boolean,
): Promise<number> {
  const directory = resources.directory();
  const serial = join(directory, 'serial.log');
  const base = await programConfig(
    {
      ...request,
      kernel,
      image,
      accelerator: machine.accelerator,
      machine: machine.machine,
      vcpus: machine.vcpus,
      memoryBytes: machine.memoryBytes ?? PROGRAM_MEMORY,
      variant: machine.variant.values,
      network: machine.network,
    },
    directory,
  );
  const config: GuestConfig = {
    ...base,
    options: `${base.options} ${machine.kernelOptions}`.trim(),
    serial,
    console: 'stdio',
    ...(machine.gdbSocket === undefined ? {} : { gdbSocket: machine.gdbSocket }),
  };
  const guest = launchGuest({ ...guestCommand(config), logs: [serial] }, resources, { terminal: true });
  const stop = verbose ? follow(serial) : () => {};
  const exit = await guest.exited;
  stop();
  const end = programEnd(guest.log());
  if (end !== undefined && exit.kind === 'ok') {
    if (end.kind === 'signal') process.stderr.write(`The program was killed by signal ${end.number} (${end.name}).\n`);
    return shellStatus(end);
  }
  if (exit.kind === 'stopped') return 0;
  process.stderr.write(
    `\nThe guest ended: ${exit.kind}\n${verbose ? '' : `${exit.text}\n${exit.kind === 'ok' ? lastLines(guest.log()) : ''}\n`}`,
  );
  return exit.kind === 'ok' ? 70 : (exit.status ?? 1);
}
