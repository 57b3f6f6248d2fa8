import { join } from 'node:path';
import { readThread } from 'perf-hooks-extra';
import { buildCountingPlugin, countingPluginArguments } from '../counting/index.ts';
import { EnvironmentError } from '../errors.ts';
import { buildLinuxGuestImage, type LinuxGuestImage, linuxGuestArguments } from '../linux/index.ts';
import { launchGuest } from '../vmm/index.ts';
import { startGenerator } from './generator.ts';
import type { BootConfig, PreparedSubject, RunningSubject, Subject } from './subject.ts';

/** Debian's memcached on Debian's cloud kernel, in the machine that our kernel gets. */
export const linuxGuest: Subject = {
  id: 'linux-guest',
  title: "Debian's memcached on Debian's cloud kernel, in the same virtual machine",
  hasVariants: false,
  // kvm_pvm emulates what an unmodified kernel does in ring 0.
  realAccelerator: (host) => (host === 'kvm_pvm' ? undefined : host),
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
  };
}

async function bootLinuxGuest(image: LinuxGuestImage, config: BootConfig): Promise<RunningSubject> {
  const { accelerator, directory, resources, shape, cores } = config;
  if (accelerator !== 'kvm' && accelerator !== 'tcg') {
    throw new EnvironmentError(
      `linux-guest cannot run on ${accelerator}: an unmodified kernel needs kvm with VMX or SVM, or tcg`,
    );
  }
  const socket = join(directory, 'net.sock');
  const countingSocket = join(directory, 'counters.sock');
  const consoleFile = join(directory, 'console.log');
  const generator = await startGenerator({ kind: 'vhost-user', socket, queues: 1 }, config);
  const answered = generator.waitAnswer({ request: 'get', port: 11211, timeoutMs: config.answerTimeoutMs });
  answered.catch(() => {});
  const machine = linuxGuestArguments({
    image,
    accelerator,
    machine: shape.machine,
    vcpus: shape.vcpus,
    memory: shape.memoryBytes,
    network: { kind: 'vhost-user', socket, queues: 1 },
    consoleFile,
  });
  const plugin = config.counting
    ? countingPluginArguments({ plugin: await buildCountingPlugin(), socket: countingSocket })
    : [];
  const vm = launchGuest({ arguments: [...machine, ...plugin], logs: [consoleFile] }, resources, {
    cpus: [cores.server],
  });
  const vcpus = vm.vcpuThreads();
  vcpus.catch(() => {});
  return {
    generator,
    protocol: 'memcached',
    startedNs: vm.startedNs,
    answered,
    ended: vm.exited.then((exit) => ({ reason: `the guest ended (${exit.kind})`, console: exit.text })),
    serverThreads: async () => (await vcpus).map((tid) => readThread(vm.pid, tid)),
    console: () => vm.log(),
    ...(config.counting ? { countingSocket } : {}),
    stop: async () => {
      await vm.stop();
      await generator.stop();
    },
  };
}
