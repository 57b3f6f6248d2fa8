import { join } from 'node:path';
import { bootOptions, buildKernel, type KernelImage, type Variant } from '@plumbline/variants';
import { buildCountingPlugin, countingPluginArguments, idleRangesOfElf, NEAR_TEXT } from '../counting/index.ts';
import { EnvironmentError } from '../errors.ts';
import { GUEST_MAC, type GuestConfig, guestCommand, lastLines, launchGuest } from '../vmm/index.ts';
import { SubjectFailure } from './failure.ts';
import { devicesAfter, toldTime } from './ready-line.ts';
import { bootGuest } from './running-guest.ts';
import type { Question } from './service.ts';
import type { BootConfig, PreparedSubject, RunningSubject } from './subject.ts';

/** A program that is linked into our kernel. */
export interface KernelProgram {
  /** Value of the boot option `run`. */
  readonly name: 'memcached' | 'echo' | 'tcp_peer';
  readonly question: Question;
}

/** The guest's end of the private link; the generator has 10.9.0.1. */
const ADDRESS = '10.9.0.2/24';

/** The kernel's command line for a boot. */
export function kernelOptions(program: KernelProgram, config: Pick<BootConfig, 'variant' | 'options'>): string {
  const options = { run: program.name, ip: ADDRESS, ...bootOptions(config.variant.values), ...config.options };
  return Object.entries(options)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');
}

/** Builds our kernel in a variant and says how to boot it with a program. */
export async function prepareKernelGuest(
  program: KernelProgram,
  variant: Variant,
  onProgress: (line: string) => void,
  signal?: AbortSignal,
): Promise<PreparedSubject> {
  onProgress(`building the kernel (${variant.name})`);
  const image = await buildKernel(variant.values, signal);
  return {
    identity: {
      kernelBuildId: image.buildId,
      imageBuildId: image.sha256,
      imageBytes: image.bytes,
      packages: {},
    },
    boot: (config) => bootKernelGuest(program, image, config),
    startByInstructions: (config, seed) => startByInstructions(image, config, seed),
  };
}

/** What is started, by our firmware. */
function kernelStart(image: KernelImage, directory: string): Pick<GuestConfig, 'kernel' | 'firmware'> {
  return {
    kernel: image.boot,
    firmware: { image: image.firmware, startInfo: join(directory, 'start-info.bin') },
  };
}

/** A start under icount takes a second on a quiet host. */
const ICOUNT_MS = 60_000;

async function startByInstructions(image: KernelImage, config: BootConfig, seed: number): Promise<number> {
  const { directory, resources, shape, cores } = config;
  const guest: GuestConfig = {
    accelerator: 'tcg',
    machine: shape.machine,
    vcpus: 1,
    memoryBytes: shape.memoryBytes,
    ...kernelStart(image, directory),
    options: Object.entries({ run: 'none', ...bootOptions(config.variant.values) })
      .map(([name, value]) => `${name}=${value}`)
      .join(' '),
    serial: join(directory, 'serial.log'),
    console: join(directory, 'console.log'),
    icount: { seed },
  };
  const vm = launchGuest(guestCommand(guest), resources, { cpus: [cores.server] });
  const ns = await toldTime(vm, devicesAfter, ICOUNT_MS);
  await vm.stop();
  if (ns === undefined) {
    throw new SubjectFailure(
      vm.exit ? `the guest ended (${vm.exit.kind})` : 'the guest did not say when it was ready',
      lastLines(vm.log()),
    );
  }
  return ns;
}

async function bootKernelGuest(
  program: KernelProgram,
  image: KernelImage,
  config: BootConfig,
): Promise<RunningSubject> {
  const { accelerator, directory, shape } = config;
  if (accelerator === 'none') {
    throw new EnvironmentError(`${program.name} on our kernel runs in a virtual machine only`);
  }
  return bootGuest(
    program.question,
    config,
    async (sockets) => {
      const plugin = config.counting
        ? countingPluginArguments({
            plugin: await buildCountingPlugin(),
            socket: sockets.counting,
            idle: await idleRangesOfElf(image.elf),
            kernel: [NEAR_TEXT],
          })
        : [];
      return guestCommand({
        accelerator,
        machine: shape.machine,
        vcpus: shape.vcpus,
        memoryBytes: shape.memoryBytes,
        ...kernelStart(image, directory),
        options: kernelOptions(program, config),
        network: { socket: sockets.network, queues: shape.queues ?? 1, mac: GUEST_MAC },
        serial: join(directory, 'serial.log'),
        console: join(directory, 'console.log'),
        ...(config.counting ? { tcgThread: 'single' as const } : {}),
        extraArguments: plugin,
      });
    },
    image.elf,
  );
}
