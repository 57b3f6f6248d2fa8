import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fetchImagePackages } from '@plumbline/variants';
import { buildCountingPlugin, countingPluginArguments } from '../counting/index.ts';
import { EnvironmentError } from '../errors.ts';
import { type LinuxGuestImage, linuxGuestArguments, linuxProgramArchive } from '../linux/index.ts';
import { lastLines, launchGuest } from '../vmm/index.ts';
import type { RunningProgram, SubjectProgram } from './program.ts';
import type { BootConfig } from './subject.ts';

/** Puts a program behind the image's initramfs, and the result into the boot's folder. */
export async function programInitramfs(
  image: LinuxGuestImage,
  config: BootConfig,
  program: SubjectProgram,
): Promise<string> {
  const { packages } = await fetchImagePackages(program.packages, {});
  const initramfs = join(config.directory, 'initramfs.cpio');
  writeFileSync(
    initramfs,
    Buffer.concat([readFileSync(image.initramfs), await linuxProgramArchive(packages, program)]),
  );
  return initramfs;
}

/**
 * The accelerator of a Linux guest.
 * @throws EnvironmentError where an unmodified kernel cannot run
 */
export function linuxGuestAccelerator({ accelerator }: BootConfig): 'kvm' | 'tcg' {
  if (accelerator === 'kvm' || accelerator === 'tcg') return accelerator;
  throw new EnvironmentError(
    `linux-guest cannot run on ${accelerator}: an unmodified kernel needs kvm with VMX or SVM, or tcg`,
  );
}

/** Starts a program as the only one of a Linux guest, in the machine that our kernel gets; there is no network. */
export async function startLinuxGuestProgram(
  image: LinuxGuestImage,
  config: BootConfig,
  program: SubjectProgram,
): Promise<RunningProgram> {
  const { directory, shape, resources, cores } = config;
  const accelerator = linuxGuestAccelerator(config);
  const initramfs = await programInitramfs(image, config, program);
  const serial = join(directory, 'serial.log');
  const counters = join(directory, 'counters.sock');
  const plugin = config.counting
    ? countingPluginArguments({ plugin: await buildCountingPlugin(), socket: counters })
    : [];
  const argv = [
    ...linuxGuestArguments({
      ...{ image, initramfs, accelerator, consoleFile: serial },
      machine: shape.machine,
      vcpus: shape.vcpus,
      memory: shape.memoryBytes,
      ...(accelerator === 'tcg' ? { tcgThread: 'single' as const } : {}),
    }),
    ...plugin,
  ];
  const vm = launchGuest({ arguments: argv, logs: [serial] }, resources, { cpus: [cores.server] });
  return {
    startedNs: vm.startedNs,
    // The serial port's line discipline ends lines with CR LF.
    output: () => vm.log().replaceAll('\r\n', '\n'),
    ended: vm.exited.then((exit) => ({ reason: `the guest ended (${exit.kind})`, console: lastLines(vm.log()) })),
    ...(config.counting ? { countingSocket: counters } : {}),
    stop: async () => {
      await vm.stop();
    },
  };
}
