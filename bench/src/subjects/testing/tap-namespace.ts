import { type ChildProcess, spawn } from 'node:child_process';
import { dyingWithUs, runCommand } from '../../process/command.ts';
import type { Resources } from '../../vmm/index.ts';

/** The Linux end of the tap; the guest has 10.9.0.2. */
const SET_UP = [
  'ip link set lo up',
  'ip tuntap add tap0 mode tap',
  'ip address add 10.9.0.1/24 dev tap0',
  'ip link set tap0 up',
  'exec sleep infinity',
].join(' && ');

/** Asks until the answer is yes, every 50 ms, for at most ten seconds. */
export async function eventually(what: string, question: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + 10_000;
  while (!(await question().catch(() => false))) {
    if (Date.now() > end) throw new Error(`${what} does not come up`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** A network namespace with a tap in it, for a guest and clients that are not ours. Needs root. */
export class TapNamespace {
  static readonly tap = 'tap0';
  private readonly holder: ChildProcess;

  private constructor(holder: ChildProcess) {
    this.holder = holder;
  }

  static async create(resources: Resources): Promise<TapNamespace> {
    const [command, ...args] = dyingWithUs(['unshare', '--net', 'sh', '-c', SET_UP]);
    const holder = spawn(command, args, { stdio: ['ignore', 'ignore', 'inherit'] });
    resources.defer(() => {
      holder.kill('SIGKILL');
    });
    const namespace = new TapNamespace(holder);
    await eventually('the tap device', async () => {
      // Before it has unshared, a tap of ours may be another one's.
      const addresses = await namespace.run(['ip', 'address', 'show', 'dev', TapNamespace.tap], 5_000);
      return addresses.includes('10.9.0.1/24') && addresses.includes('UP');
    });
    return namespace;
  }

  /** Argv that runs inside. */
  inside(argv: readonly string[]): [string, ...string[]] {
    return ['nsenter', '--target', String(this.holder.pid), '--net', '--', ...argv];
  }

  /** Runs a program inside and returns what it prints. */
  run(argv: readonly string[], deadlineMs: number): Promise<string> {
    return runCommand(this.inside(argv), { deadlineMs });
  }
}
