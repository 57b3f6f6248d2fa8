import { createSocket } from 'node:dgram';
import { join } from 'node:path';
import { bootOptions, buildKernel, PRESETS, parseVariant } from '@plumbline/variants';
import { EnvironmentError, messageOf, UsageError } from '../errors.ts';
import {
  chooseAccelerator,
  closeOnSignal,
  GUEST_MAC,
  type GuestConfig,
  guestCommand,
  launchGuest,
  MACHINES,
  type Machine,
  parseAcceleratorRequest,
  Resources,
} from '../vmm/index.ts';
import { bootProgram, imageOf, type ProgramOptions, type ProgramRequest, programRequest } from './boot-program.ts';
import { runCommand } from './exit.ts';
import { bytes, command, integer, list, parseArguments } from './options.ts';

const each = (value: string, before: readonly string[] = []): string[] => [...before, value];

const program = command(
  'boot',
  'Boots our kernel with its console on this terminal, or runs an unmodified Linux program on it. Ctrl-C ends it.',
)
  .option(
    '--program <command line>',
    'runs a program of Debian, such as "python3 -c \'print(1)\'"; its exit status is ours',
  )
  .option('--packages <names>', 'Debian packages of the image, by comma (default: the one that has the program)', list)
  .option('--env <NAME=value>', "adds to the program's environment; repeat for more", each)
  .option('--cwd <directory>', "the program's working directory in the guest (default: /)")
  .option('--file <host:guest>', 'adds a file or directory to the image; repeat for more', each)
  .option('--verbose', "with --program: the kernel's log on standard error")
  .option('--variant <preset>', `${Object.keys(PRESETS).join(', ')}, or dimension=value,...`, 'default')
  .option('--accel <name>', 'auto, kvm or tcg', 'auto')
  .option('--machine <name>', MACHINES.join(' or '), 'microvm')
  .option('--vcpus <n>', 'number of CPUs', integer('--vcpus', 1, 8), 1)
  .option(
    '--memory <size>',
    'memory of the guest, such as 64M (default: 128M, with --program 512M)',
    // Less does not hold the kernel's image.
    bytes('--memory', 2 << 20, 64 * 2 ** 30),
  )
  .option('--options <text>', 'boot options of the kernel, such as "run=echo watchdog=5" ("help" lists them)')
  .option(
    '--forward <port>',
    "reach the guest's memcached or echo (UDP port 11211) at this port of 127.0.0.1",
    integer('--forward', 1, 65535),
  )
  .option('--gdb', 'wait for gdb before the first instruction and print the command that connects it');

interface BootOptions extends ProgramOptions {
  variant: string;
  accel: string;
  machine: string;
  vcpus: number;
  memory?: number;
  options?: string;
  forward?: number;
  gdb?: boolean;
}

function machineOf(value: string): Machine {
  const machine = MACHINES.find((candidate) => candidate === value);
  if (!machine) throw UsageError.badValue('--machine', value, MACHINES.join(', '));
  return machine;
}

function checkKernelOptions(text: string): string {
  for (const part of text.split(/\s+/)) {
    if (part !== '' && part !== 'help' && !/^[a-z][\w.-]*=\S+$/i.test(part)) {
      throw UsageError.badValue('--options', part, 'name=value parts with spaces between them, or help');
    }
  }
  return text;
}

/** Options that only mean something with --program. */
const OF_PROGRAM = ['packages', 'env', 'cwd', 'file', 'verbose'] as const;

async function requestOf(options: BootOptions): Promise<ProgramRequest | undefined> {
  const { program: commandLine } = options;
  if (commandLine !== undefined) return programRequest({ ...options, program: commandLine });
  const alone = OF_PROGRAM.find((name) => options[name] !== undefined);
  if (alone !== undefined) throw new UsageError(`option --${alone} needs --program.`);
  return undefined;
}

/** The port of the kernel's applications. */
const GUEST_PORT = 11211;

/** Makes sure that a port is free before a guest is built and booted for it. */
async function checkPort(port: number): Promise<void> {
  const socket = createSocket('udp4');
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject);
      socket.bind(port, '127.0.0.1', resolve);
    });
  } catch (error) {
    throw new EnvironmentError(
      `--forward ${port}: UDP port ${port} of 127.0.0.1 cannot be used (${messageOf(error)}). Choose another, or end what uses it.`,
    );
  } finally {
    socket.close();
  }
}

async function main(): Promise<number> {
  if (!parseArguments(program, process.argv.slice(2))) return 0;
  const options = program.opts<BootOptions>();
  const variant = parseVariant(options.variant);
  const machine = machineOf(options.machine);
  const kernelOptions = checkKernelOptions(options.options ?? '');
  const choice = chooseAccelerator(parseAcceleratorRequest(options.accel));
  if (options.forward !== undefined) await checkPort(options.forward);
  const request = await requestOf(options);
  const say = (line: string) => process.stderr.write(`${line}\n`);
  const programs = request ? await imageOf(request, say) : undefined;
  say(`Building the kernel (${variant.name}).`);
  const image = await buildKernel(variant.values);
  const resources = new Resources();
  const offSignals = closeOnSignal(resources, () => {});
  try {
    const ownOptions = Object.entries(bootOptions(variant.values)).map(([name, value]) => `${name}=${value}`);
    const directory = resources.directory();
    const network = {
      mac: GUEST_MAC,
      ...(options.forward === undefined ? {} : { forward: { host: options.forward, guest: GUEST_PORT } }),
    };
    const gdbSocket = join(directory, 'gdb.sock');
    const config: GuestConfig = {
      accelerator: choice.accelerator,
      machine,
      vcpus: options.vcpus,
      memoryBytes: options.memory ?? 128 << 20,
      kernel: image.boot,
      firmware: { image: image.firmware, startInfo: join(directory, 'start-info.bin') },
      options: [...ownOptions, kernelOptions].join(' ').trim(),
      serial: 'stdio',
      console: 'stdio',
      entropy: true,
      network,
      ...(options.gdb ? { gdbSocket } : {}),
    };
    process.stderr.write(`Booting on ${choice.accelerator}, ${machine}. Ctrl-C ends the guest.\n`);
    if (options.gdb) process.stderr.write(`The guest waits for: gdb ${image.elf} -ex 'target remote ${gdbSocket}'\n`);
    if (request && programs) {
      const machineOfProgram = {
        ...{ accelerator: choice.accelerator, machine, vcpus: options.vcpus, memoryBytes: options.memory, variant },
        ...{ kernelOptions, network, ...(options.gdb ? { gdbSocket } : {}) },
      };
      return await bootProgram(request, programs, image, machineOfProgram, resources, options.verbose ?? false);
    }
    const guest = launchGuest(guestCommand(config), resources, { terminal: true });
    const exit = await guest.exited;
    if (exit.kind === 'ok' || exit.kind === 'stopped') return 0;
    process.stderr.write(
      `\nThe guest ended: ${exit.kind}${exit.kind === 'vmm-failed' || exit.kind === 'killed' ? `. ${exit.text}` : ''}\n`,
    );
    return exit.status ?? 1;
  } finally {
    offSignals();
    await resources.close();
  }
}

await runCommand(main);
