import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildKernel, buildProgramImage, type KernelImage, type ProgramImage, type Variant } from '@plumbline/variants';
import { buildCountingPlugin, countingPluginArguments, idleRangesOfElf, NEAR_TEXT } from '../counting/index.ts';
import { EnvironmentError } from '../errors.ts';
import { GUEST_MAC, guestCommand, lastLines, launchGuest, programConfig } from '../vmm/index.ts';
import type { RunningProgram, SubjectProgram } from './program.ts';
import { bootGuest, type GuestService } from './running-guest.ts';
import type { BootConfig, PreparedSubject, RunningSubject, Subject } from './subject.ts';

/** Debian's own memcached, unmodified, as the one program of our kernel: the binary that the Linux subjects run. */
export const plumblineUnmodified: Subject = {
  id: 'plumbline-unmodified',
  title: "Debian's memcached, unmodified, on our kernel",
  hasVariants: true,
  realAccelerator: (host) => host,
  runsPrograms: true,
  exactAccelerator: 'tcg',
  prepare: prepareUnmodified,
};

const MEMCACHED: GuestService = { protocol: 'memcached', port: 11211, request: 'get' };
/** As on Linux, but without TCP, which the kernel does not have yet. One worker thread a vCPU. */
const memcachedArguments = (vcpus: number): string[] => [
  ...['memcached', '-u', 'root', '-l', '10.9.0.2', '-U', String(MEMCACHED.port), '-p', '0'],
  ...['-t', String(vcpus), '-m', '64'],
];

async function prepareUnmodified(
  variant: Variant,
  onProgress: (line: string) => void,
  signal?: AbortSignal,
): Promise<PreparedSubject> {
  onProgress(`building the kernel (${variant.name})`);
  const kernel = await buildKernel(variant.values, signal);
  onProgress("making the image of Debian's memcached");
  const image = await buildProgramImage(['memcached'], { onProgress, ...(signal ? { signal } : {}) });
  for (const notice of image.notices) onProgress(notice);
  return {
    identity: {
      kernelBuildId: kernel.buildId,
      imageBuildId: image.report.sha256,
      imageBytes: kernel.bytes + image.bytes,
      packages: Object.fromEntries(image.packages.map(({ name, version }) => [name, version])),
    },
    boot: (config) => bootUnmodified(kernel, image, config),
    startProgram: (config, program) => startProgram(kernel, config, program),
  };
}

/** Arguments of the counting plugin that know where this kernel waits. */
async function countingArguments(kernel: KernelImage, socket: string): Promise<string[]> {
  return countingPluginArguments({
    plugin: await buildCountingPlugin(),
    socket,
    idle: await idleRangesOfElf(kernel.elf),
    kernel: [NEAR_TEXT],
  });
}

async function startProgram(kernel: KernelImage, config: BootConfig, program: SubjectProgram): Promise<RunningProgram> {
  const { accelerator, directory, shape, resources, cores } = config;
  if (accelerator === 'none') throw new EnvironmentError('programs on our kernel run in a virtual machine only');
  const image = await buildProgramImage(program.packages, {});
  const { argv, files } = program;
  const { machine, vcpus } = shape;
  const variant = config.variant.values;
  const guest = await programConfig(
    { argv, files, kernel, image, accelerator, machine, vcpus, variant, options: config.options ?? {} },
    directory,
  );
  const counters = join(directory, 'counters.sock');
  const console = join(directory, 'console.log');
  writeFileSync(console, '');
  const command = guestCommand({
    ...guest,
    serial: join(directory, 'serial.log'),
    console,
    ...(config.counting ? { tcgThread: 'single' as const } : {}),
    extraArguments: config.counting ? await countingArguments(kernel, counters) : [],
  });
  const vm = launchGuest(command, resources, { cpus: [cores.server] });
  return {
    startedNs: vm.startedNs,
    output: () => readFileSync(console, 'utf8'),
    ended: vm.exited.then((exit) => ({ reason: `the guest ended (${exit.kind})`, console: lastLines(vm.log()) })),
    ...(config.counting ? { countingSocket: counters } : {}),
    stop: async () => {
      await vm.stop();
    },
  };
}

async function bootUnmodified(kernel: KernelImage, image: ProgramImage, config: BootConfig): Promise<RunningSubject> {
  const { accelerator, directory, shape } = config;
  if (accelerator === 'none') throw new EnvironmentError('memcached on our kernel runs in a virtual machine only');
  return bootGuest(MEMCACHED, config, async (sockets) => {
    const guest = await programConfig(
      {
        argv: memcachedArguments(shape.vcpus),
        kernel,
        image,
        accelerator,
        machine: shape.machine,
        vcpus: shape.vcpus,
        memoryBytes: shape.memoryBytes,
        variant: config.variant.values,
        options: { ip: '10.9.0.2/24', ...config.options },
        network: { socket: sockets.network, queues: shape.queues ?? 1, mac: GUEST_MAC },
      },
      directory,
    );
    const plugin = config.counting ? await countingArguments(kernel, sockets.counting) : [];
    return guestCommand({
      ...guest,
      serial: join(directory, 'serial.log'),
      console: join(directory, 'console.log'),
      ...(config.counting ? { tcgThread: 'single' as const } : {}),
      extraArguments: plugin,
    });
  });
}
