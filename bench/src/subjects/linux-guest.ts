import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { fetchImagePackages } from '@plumbline/variants';
import { buildCountingPlugin, countingPluginArguments } from '../counting/index.ts';
import {
  buildLinuxGuestImage,
  type LinuxGuestImage,
  linuxGuestArguments,
  linuxProgramArchive,
} from '../linux/index.ts';
import { Resources } from '../vmm/index.ts';
import { linuxGuestAccelerator, programInitramfs, startLinuxGuestProgram } from './linux-guest-program.ts';
import { bootGuest } from './running-guest.ts';
import { guestPlace, SERVICE_IDS, type Service } from './service.ts';
import type { BootConfig, PreparedSubject, RunningSubject, Subject } from './subject.ts';

/** Debian's servers on Debian's cloud kernel, in the machine that our kernel gets. */
export const linuxGuest: Subject = {
  id: 'linux-guest',
  title: "Debian's servers on Debian's cloud kernel, in the same virtual machine",
  hasVariants: false,
  // kvm_pvm emulates what an unmodified kernel does in ring 0.
  realAccelerator: (host) => (host === 'kvm_pvm' ? undefined : host),
  runsPrograms: true,
  exactAccelerator: 'tcg',
  serves: SERVICE_IDS,
  prepare: prepareLinuxGuest,
};

async function prepareLinuxGuest(
  service: Service,
  _variant: unknown,
  onProgress: (line: string) => void,
  signal?: AbortSignal,
): Promise<PreparedSubject> {
  const options = { onProgress, ...(signal ? { signal } : {}) };
  const image = await buildLinuxGuestImage(options);
  // Fetched here: a boot must not wait for a mirror.
  const server = await fetchImagePackages(service.packages, options);
  const ours = await service.prepare();
  for (const notice of [...image.notices, ...server.notices]) onProgress(notice);
  const archive = await archiveOf(service);
  const packages = [...image.packages, ...server.packages].map(({ name, version }): [string, string] => [
    name,
    version,
  ]);
  return {
    identity: {
      kernelBuildId: image.release,
      imageBuildId: createHash('sha256').update(image.buildId).update(archive).digest('hex'),
      imageBytes: image.bytes + archive.length,
      packages: { ...Object.fromEntries(packages), ...ours },
    },
    boot: (config) => bootLinuxGuest(image, service, config),
    startProgram: (config, program) => startLinuxGuestProgram(image, config, program),
  };
}

/** What is put behind the image's initramfs, but for what the number of vCPUs changes in it. */
async function archiveOf(service: Service): Promise<Buffer> {
  const resources = new Resources();
  try {
    const { packages } = await fetchImagePackages(service.packages, {});
    return await linuxProgramArchive(packages, await service.program(guestPlace(1, resources.directory())));
  } finally {
    await resources.close();
  }
}

async function bootLinuxGuest(image: LinuxGuestImage, service: Service, config: BootConfig): Promise<RunningSubject> {
  const { directory, shape } = config;
  const accelerator = linuxGuestAccelerator(config);
  const program = await service.program(guestPlace(shape.vcpus, directory));
  const initramfs = await programInitramfs(image, config, program);
  return bootGuest(service.question, config, async (sockets) => {
    const consoleFile = join(directory, 'console.log');
    const machine = linuxGuestArguments({
      ...{ image, initramfs, accelerator, consoleFile },
      machine: shape.machine,
      vcpus: shape.vcpus,
      memory: shape.memoryBytes,
      network: { kind: 'vhost-user', socket: sockets.network, queues: shape.queues ?? 1 },
    });
    const plugin = config.counting
      ? countingPluginArguments({ plugin: await buildCountingPlugin(), socket: sockets.counting })
      : [];
    return { arguments: [...machine, ...plugin], logs: [consoleFile] };
  });
}
