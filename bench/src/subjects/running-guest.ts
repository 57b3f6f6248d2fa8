import { join } from 'node:path';
import { readThread } from 'perf-hooks-extra';
import { type GuestCommand, launchGuest } from '../vmm/index.ts';
import { copyCounters } from './copy-counters.ts';
import { ownGenerator } from './generator-pool.ts';
import type { Question } from './service.ts';
import type { BootConfig, RunningSubject } from './subject.ts';

/** Sockets of one boot. */
export interface GuestSockets {
  /** Where the generator listens for the guest's network device. */
  readonly network: string;
  /** Where the counting plugin listens. */
  readonly counting: string;
}

/**
 * Boots a guest with the generator at the other end of its network device: first the generator, already asking, then
 * the guest, so that the first answer is seen when it comes.
 * @param question what it is asked until it answers
 * @param makeCommand QEMU's arguments, given the sockets
 * @param elf a kernel of ours, with its symbols, when it is one
 */
export async function bootGuest(
  question: Question,
  config: BootConfig,
  makeCommand: (sockets: GuestSockets) => GuestCommand | Promise<GuestCommand>,
  elf?: string,
): Promise<RunningSubject> {
  const { directory, resources, cores } = config;
  const lease = await (config.generators?.lease(question.transport, config) ??
    ownGenerator(question.transport, config));
  const { generator } = lease;
  const sockets = { network: lease.socket, counting: join(directory, 'counters.sock') };
  const command = await makeCommand(sockets);
  const answered = generator.waitAnswer({ ...question, timeoutMs: config.answerTimeoutMs });
  answered.catch(() => {});
  // All of QEMU's threads share the vCPU's core: they sleep while the guest runs, and the generator's core stays free.
  const vm = launchGuest(command, resources, { cpus: [cores.server] });
  // Asked only when somebody wants to know: a question during the boot would lengthen it.
  let vcpus: Promise<number[]> | undefined;
  const vcpuThreads = (): Promise<number[]> => {
    vcpus ??= vm.vcpuThreads();
    return vcpus;
  };
  return {
    generator,
    startedNs: vm.startedNs,
    answered,
    ended: vm.exited.then((exit) => ({ reason: `the guest ended (${exit.kind})`, console: exit.text })),
    serverThreads: async () => (await vcpuThreads()).map((tid) => readThread(vm.pid, tid)),
    console: () => vm.log(),
    ...(config.counting ? { countingSocket: sockets.counting } : {}),
    ...(elf === undefined ? {} : { copies: copyCounters(vm.qmp, elf, directory) }),
    stop: async () => {
      await vm.stop();
      await lease.giveBack();
    },
  };
}
