import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildKernel, buildProgramImage, type KernelImage, type ProgramImage, type Variant } from '@plumbline/variants';
import { buildCountingPlugin, countingPluginArguments, idleRangesOfElf, NEAR_TEXT } from '../counting/index.ts';
import { EnvironmentError } from '../errors.ts';
import { GUEST_ADDRESS, GUEST_MAC, guestCommand, lastLines, launchGuest, programConfig } from '../vmm/index.ts';
import type { RunningProgram, SubjectProgram } from './program.ts';
import { bootGuest } from './running-guest.ts';
import { guestPlace, SERVICE_IDS, type Service } from './service.ts';
import type { BootConfig, PreparedSubject, RunningSubject, Subject } from './subject.ts';

/** Debian's own servers, unmodified, as the one program of our kernel: the binaries that the Linux subjects run. */
export const plumblineUnmodified: Subject = {
  id: 'plumbline-unmodified',
  title: "Debian's servers, unmodified, on our kernel",
  hasVariants: true,
  realAccelerator: (host) => host,
  runsPrograms: true,
  exactAccelerator: 'tcg',
  serves: SERVICE_IDS,
  prepare: prepareUnmodified,
};

async function prepareUnmodified(
  service: Service,
  variant: Variant,
  onProgress: (line: string) => void,
  signal?: AbortSignal,
): Promise<PreparedSubject> {
  onProgress(`building the kernel (${variant.name})`);
  const kernel = await buildKernel(variant.values, signal);
  onProgress(`making the image of ${service.packages.join(', ')}`);
  const image = await buildProgramImage(service.packages, { onProgress, ...(signal ? { signal } : {}) });
  for (const notice of image.notices) onProgress(notice);
  return {
    identity: {
      kernelBuildId: kernel.buildId,
      imageBuildId: image.report.sha256,
      imageBytes: kernel.bytes + image.bytes,
      packages: {
        ...Object.fromEntries(image.packages.map(({ name, version }) => [name, version])),
        ...(await service.prepare()),
      },
    },
    boot: (config) => bootUnmodified(kernel, image, service, config),
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

async function bootUnmodified(
  kernel: KernelImage,
  image: ProgramImage,
  service: Service,
  config: BootConfig,
): Promise<RunningSubject> {
  const { accelerator, directory, shape } = config;
  if (accelerator === 'none') throw new EnvironmentError(`${service.id} on our kernel runs in a virtual machine only`);
  const { argv, files } = await service.program(guestPlace(shape.vcpus, directory));
  return bootGuest(
    service.question,
    config,
    async (sockets) => {
      const guest = await programConfig(
        {
          ...{ argv, files },
          kernel,
          image,
          accelerator,
          machine: shape.machine,
          vcpus: shape.vcpus,
          memoryBytes: shape.memoryBytes,
          variant: config.variant.values,
          options: { ip: `${GUEST_ADDRESS}/24`, ...config.options },
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
    },
    kernel.elf,
  );
}
