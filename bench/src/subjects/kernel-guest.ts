import { join } from 'node:path';
import { bootOptions, buildKernel, type Variant } from '@plumbline/variants';
import { readThread } from 'perf-hooks-extra';
import { buildCountingPlugin, countingPluginArguments, idleRangesOfElf } from '../counting/index.ts';
import { EnvironmentError } from '../errors.ts';
import { GUEST_MAC, type GuestConfig, guestCommand, launchGuest } from '../vmm/index.ts';
import { startGenerator } from './generator.ts';
import type { BootConfig, PreparedSubject, RunningSubject } from './subject.ts';

/** A program that is linked into our kernel. */
export interface KernelProgram {
  /** Value of the boot option `run`. */
  readonly name: 'memcached' | 'echo';
  readonly protocol: RunningSubject['protocol'];
  readonly port: number;
  readonly request: 'get' | 'echo';
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
    boot: (config) => bootKernelGuest(program, image.elf, config),
  };
}

async function bootKernelGuest(program: KernelProgram, elf: string, config: BootConfig): Promise<RunningSubject> {
  const { accelerator, directory, resources, shape, cores } = config;
  if (accelerator === 'none')
    throw new EnvironmentError(`${program.name} on our kernel runs in a virtual machine only`);
  const socket = join(directory, 'net.sock');
  const countingSocket = join(directory, 'counters.sock');
  const generator = await startGenerator({ kind: 'vhost-user', socket, queues: 1 }, config);
  const answered = generator.waitAnswer({
    request: program.request,
    port: program.port,
    timeoutMs: config.answerTimeoutMs,
  });
  answered.catch(() => {});
  const guest: GuestConfig = {
    accelerator,
    machine: shape.machine,
    vcpus: shape.vcpus,
    memoryBytes: shape.memoryBytes,
    kernel: elf,
    options: kernelOptions(program, config),
    network: { socket, queues: 1, mac: GUEST_MAC },
    serial: join(directory, 'serial.log'),
    console: join(directory, 'console.log'),
    ...(config.counting ? { tcgThread: 'single' as const } : {}),
    extraArguments: config.counting
      ? countingPluginArguments({
          plugin: await buildCountingPlugin(),
          socket: countingSocket,
          idle: await idleRangesOfElf(elf),
        })
      : [],
  };
  // All of QEMU's threads share the vCPU's core: they sleep while the guest runs, and the generator's core stays free.
  const vm = launchGuest(guestCommand(guest), resources, { cpus: [cores.server] });
  const vcpus = vm.vcpuThreads();
  vcpus.catch(() => {});
  return {
    generator,
    protocol: program.protocol,
    startedNs: vm.startedNs,
    answered,
    ended: vm.exited.then((exit) => ({ reason: `the guest ended (${exit.kind})`, console: exit.text })),
    serverThreads: async () => (await vcpus).map((tid) => readThread(vm.pid, tid)),
    console: () => vm.log(),
    ...(config.counting ? { countingSocket } : {}),
    elf,
    stop: async () => {
      await vm.stop();
      await generator.stop();
    },
  };
}
