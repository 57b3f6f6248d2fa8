import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, readlink } from 'node:fs/promises';
import { z } from 'zod';
import { DeadlineError, pause } from '../deadline.ts';
import { EnvironmentError, messageOf } from '../errors.ts';
import { runCommand } from '../process/command.ts';

/** Whether network namespaces can be made here. */
export type NamespaceSupport =
  | { readonly available: true; readonly how: 'root' | 'user-namespace' }
  | { readonly available: false; readonly reason: string; readonly remedy: string };

/** Flags of unshare(1): a network namespace alone, or inside a user namespace in which we are root. */
const UNSHARE = { root: ['--net'], 'user-namespace': ['--user', '--map-root-user', '--net'] } as const;
type How = keyof typeof UNSHARE;

const linksSchema = z.array(z.object({ operstate: z.string() }));
const CARRIER_DEADLINE_MS = 5_000;

async function setting(name: string): Promise<string | undefined> {
  try {
    return (await readFile(`/proc/sys/${name}`, 'utf8')).trim();
  } catch {
    return undefined;
  }
}

/** The command that permits user namespaces on this host, from the settings that forbid them. */
async function remedy(): Promise<string> {
  const commands: string[] = [];
  if ((await setting('kernel/unprivileged_userns_clone')) === '0') commands.push('kernel.unprivileged_userns_clone=1');
  if ((await setting('kernel/apparmor_restrict_unprivileged_userns')) === '1') {
    commands.push('kernel.apparmor_restrict_unprivileged_userns=0');
  }
  if ((await setting('user/max_user_namespaces')) === '0') commands.push('user.max_user_namespaces=10000');
  if (commands.length > 0) return `Allow user namespaces (sudo sysctl -w ${commands.join(' ')}), or run this as root.`;
  if (process.getuid?.() === 0) {
    return 'Run this with the capabilities CAP_SYS_ADMIN and CAP_NET_ADMIN (in a container: its privileged mode).';
  }
  return 'Run this as root.';
}

/** Makes what `linux-host` needs, for a moment, and says whether that went well. */
async function attempt(how: How): Promise<string | undefined> {
  const veth = ['ip', 'link', 'add', 'server0', 'type', 'veth', 'peer', 'name', 'generator0'];
  try {
    await runCommand(['unshare', ...UNSHARE[how], '--', ...veth], { deadlineMs: 10_000 });
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

/** Tells whether network namespaces with a veth pair can be made here, as root or in a user namespace, by making one. */
export async function namespaceSupport(): Promise<NamespaceSupport> {
  for (const [program, name] of [
    ['ip', 'iproute2'],
    ['unshare', 'util-linux'],
    ['nsenter', 'util-linux'],
    ['taskset', 'util-linux'],
  ] as const) {
    try {
      await runCommand([program, program === 'ip' ? '-V' : '--version'], { deadlineMs: 10_000 });
    } catch (error) {
      return {
        available: false,
        reason: messageOf(error),
        remedy: `Install the Debian package ${name} (sudo apt-get install ${name}).`,
      };
    }
  }
  const ways: How[] = process.getuid?.() === 0 ? ['root', 'user-namespace'] : ['user-namespace'];
  const reasons: string[] = [];
  for (const how of ways) {
    const reason = await attempt(how);
    if (reason === undefined) return { available: true, how };
    reasons.push(reason);
  }
  return {
    available: false,
    reason: `network namespaces cannot be made: ${reasons.join('; ')}`,
    remedy: await remedy(),
  };
}

/** A network namespace, alive as long as its holder. */
export class NetworkNamespace {
  readonly pid: number;
  /** Put before an argv to run it inside. */
  readonly prefix: readonly string[];
  private readonly holder: ChildProcess;

  private constructor(holder: ChildProcess, pid: number, how: How) {
    this.holder = holder;
    this.pid = pid;
    const user = how === 'user-namespace' ? ['--user', '--preserve-credentials'] : [];
    this.prefix = ['nsenter', `--target=${pid}`, ...user, '--net', '--'];
  }

  /**
   * Makes a namespace. Its holder is a `cat` that reads a pipe of ours: it ends with the pipe, and the kernel kills it when we
   * die. (The death signal is set last: entering a user namespace clears it.)
   * @param within makes the new namespace inside the user namespace of this one, so that devices can move between both
   */
  static async create(how: How, within?: NetworkNamespace): Promise<NetworkNamespace> {
    const flags = within === undefined ? UNSHARE[how] : (['--net'] as const);
    const argv = [...(within?.prefix ?? []), 'unshare', ...flags, '--', 'setpriv', '--pdeathsig', 'KILL', '--', 'cat'];
    const own = await readlink('/proc/self/ns/net');
    const [program = '', ...args] = argv;
    const holder = spawn(program, args, { stdio: ['pipe', 'ignore', 'pipe'] });
    let words = '';
    holder.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      words = (words + chunk).slice(-10_000);
    });
    let failure: Error | undefined;
    holder.once('error', (error) => {
      failure = error;
    });
    holder.stdin.on('error', () => {});
    const end = performance.now() + 10_000;
    for (;;) {
      if (failure !== undefined || holder.exitCode !== null || holder.signalCode !== null || performance.now() > end) {
        holder.kill('SIGKILL');
        throw new EnvironmentError(`network namespace: its holder did not start (${failure?.message ?? words.trim()})`);
      }
      // Ready when the holder is `cat`, which comes after everything else.
      const command = holder.pid === undefined ? '' : await commandOf(holder.pid);
      if (holder.pid !== undefined && command === 'cat') {
        const namespace = new NetworkNamespace(holder, holder.pid, how);
        if ((await readlink(`/proc/${holder.pid}/ns/net`)) !== own) return namespace;
      }
      await pause(2);
    }
  }

  /** Runs `ip` inside and returns what it prints. */
  async ip(...args: readonly string[]): Promise<string> {
    const [program = '', ...prefix] = this.prefix;
    return runCommand([program, ...prefix, 'ip', ...args], { deadlineMs: 10_000 });
  }

  /**
   * Waits until a device passes packets: Linux notes a carrier on a thread of its own, and drops what is sent before that.
   * @throws DeadlineError
   */
  async waitForCarrier(device: string): Promise<void> {
    const end = performance.now() + CARRIER_DEADLINE_MS;
    for (;;) {
      const links = linksSchema.parse(JSON.parse(await this.ip('-json', 'link', 'show', 'dev', device)));
      if (links[0]?.operstate === 'UP') return;
      if (performance.now() > end) throw new DeadlineError(`carrier of ${device}`, CARRIER_DEADLINE_MS);
      await pause(5);
    }
  }

  /** Resolves when the holder has ended. */
  get ended(): Promise<unknown> {
    return this.holder.exitCode !== null || this.holder.signalCode !== null
      ? Promise.resolve()
      : once(this.holder, 'exit');
  }

  /** Ends the holder; the namespace goes with the last process in it. */
  async close(): Promise<void> {
    const ended = this.ended;
    this.holder.kill('SIGKILL');
    await ended;
  }
}

async function commandOf(pid: number): Promise<string> {
  try {
    return (await readFile(`/proc/${pid}/comm`, 'utf8')).trim();
  } catch {
    return '';
  }
}
