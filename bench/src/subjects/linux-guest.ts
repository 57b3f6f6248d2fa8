import { join } from 'node:path';
import { buildCountingPlugin, countingPluginArguments } from '../counting/index.ts';
import { EnvironmentError } from '../errors.ts';
import { buildLinuxGuestImage, type LinuxGuestImage, linuxGuestArguments } from '../linux/index.ts';
import { startLinuxGuestProgram } from './linux-guest-program.ts';
import { bootGuest, type GuestService } from './running-guest.ts';
import type { BootConfig, PreparedSubject, RunningSubject, Subject } from './subject.ts';

/** Debian's memcached on Debian's cloud kernel, in the machine that our kernel gets. */
export const linuxGuest: Subject = {
  id: 'linux-guest',
  title: "Debian's memcached on Debian's cloud kernel, in the same virtual machine",
  hasVariants: false,
  // kvm_pvm emulates what an unmodified kernel does in ring 0.
  realAccelerator: (host) => (host === 'kvm_pvm' ? undefined : host),
  runsPrograms: true,
  exactAccelerator: 'tcg',
  prepare: prepareLinuxGuest,
};

async function prepareLinuxGuest(
  _variant: unknown,
  onProgress: (line: string) => void,
  signal?: AbortSignal,
): Promise<PreparedSubject> {
  const image = await buildLinuxGuestImage({ onProgress, ...(signal ? { signal } : {}) });
  for (const notice of image.notices) onProgress(notice);
  return {
    identity: {
      kernelBuildId: image.release,
      imageBuildId: image.buildId,
      imageBytes: image.bytes,
      packages: Object.fromEntries(image.packages.map((item) => [item.name, item.version])),
    },
    boot: (config) => bootLinuxGuest(image, config),
    startProgram: (config, program) => startLinuxGuestProgram(image, config, program),
  };
}

const MEMCACHED: GuestService = { protocol: 'memcached', port: 11211, request: 'get' };

async function bootLinuxGuest(image: LinuxGuestImage, config: BootConfig): Promise<RunningSubject> {
  const { accelerator, directory, shape } = config;
  if (accelerator !== 'kvm' && accelerator !== 'tcg') {
    throw new EnvironmentError(
      `linux-guest cannot run on ${accelerator}: an unmodified kernel needs kvm with VMX or SVM, or tcg`,
    );
  }
  return bootGuest(MEMCACHED, config, async (sockets) => {
    const consoleFile = join(directory, 'console.log');
    const machine = linuxGuestArguments({
      image,
      accelerator,
      machine: shape.machine,
      vcpus: shape.vcpus,
      memory: shape.memoryBytes,
      network: { kind: 'vhost-user', socket: sockets.network, queues: shape.queues ?? 1 },
      consoleFile,
    });
    const plugin = config.counting
      ? countingPluginArguments({ plugin: await buildCountingPlugin(), socket: sockets.counting })
      : [];
    return { arguments: [...machine, ...plugin], logs: [consoleFile] };
  });
}
