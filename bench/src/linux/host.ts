import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { fetchPackageSet } from '@plumbline/variants';
import { pause } from '../deadline.ts';
import { BenchError, EnvironmentError } from '../errors.ts';
import { GUEST_ADDRESS, GUEST_MAC } from '../vmm/machine.ts';
import { readCpuTime, type ServerCpuTime } from './cpu-time.ts';
import { hostCommand } from './host-command.ts';
import { type NamespaceSupport, NetworkNamespace, namespaceSupport } from './namespaces.ts';

export type { ServerCpuTime } from './cpu-time.ts';

/** Whether `linux-host` can run here. */
export type LinuxHostSupport = NamespaceSupport;

/** The server did not start, or ended early. Its own words are in the message. */
export class LinuxHostError extends BenchError {}

/** A server as a process of this host. */
export interface HostServer {
  readonly name: string;
  /** Program and arguments, as {@link hostCommand} makes them. */
  readonly command: readonly string[];
  /** It has started when a socket is bound to it, UDP or TCP. */
  readonly port: number;
}

/** How to start a server as a process of this host: by default memcached. */
export interface LinuxHostOptions {
  /** Core that the server is pinned to. */
  readonly core: number;
  /** What to start instead of memcached. */
  readonly server?: HostServer;
  /** Item memory in MiB (`-m`), default 64. */
  readonly itemMebibytes?: number;
  /** Worker threads (`-t`), default 1. */
  readonly threads?: number;
  readonly onProgress?: (line: string) => void;
  readonly signal?: AbortSignal;
}

/** A running server in a network namespace of its own. */
export interface LinuxHost extends AsyncDisposable {
  /** The server's process id, as seen here. */
  readonly pid: number;
  /** The server's address: 10.9.0.2, MAC 52:54:00:12:34:56. */
  readonly address: string;
  /** The generator's end of the veth pair: an interface without an address, for DPDK's `net_af_packet` (`iface=`). */
  readonly generatorInterface: string;
  /** Put before the generator's argv so that it runs inside the generator's network namespace. */
  readonly generatorPrefix: readonly string[];
  /** CPU time of the server's threads. */
  cpuTime(): Promise<ServerCpuTime>;
  /** Resolves when the server or the namespaces' holder ended (`stop` included), with the reason and what was printed. */
  readonly ended: Promise<{ readonly reason: string; readonly output: string }>;
  /** Ends the server and removes the namespaces. Idempotent. */
  stop(): Promise<void>;
}

const SERVER_INTERFACE = 'server0';
const GENERATOR_INTERFACE = 'generator0';
const SERVER_ADDRESS = GUEST_ADDRESS;
const GENERATOR_ADDRESS = '10.9.0.1';
const GENERATOR_MAC = '52:54:00:99:99:01';
const MEMCACHED_PORT = 11211;
const START_DEADLINE_MS = 10_000;

/** Tells whether network namespaces may be made here, and if not, what to do about it. */
export function linuxHostSupport(): Promise<LinuxHostSupport> {
  return namespaceSupport();
}

/**
 * A veth pair between two namespaces, with the addresses of the bench. The server's neighbour entry for 10.9.0.1 is static
 * (UDP's generator; TCP's, 10.9.0.101 and up, is resolved by ARP), the generator's end has no address (its kernel must not answer), and neither end gets an IPv6 address, whose discovery would be traffic.
 * Offloads stay as Linux sets them: checksums are then never computed on this wire, which is to Linux's advantage.
 */
async function connect(server: NetworkNamespace, generator: NetworkNamespace): Promise<void> {
  await server.ip(
    ...['link', 'add', SERVER_INTERFACE, 'address', GUEST_MAC, 'type', 'veth'],
    ...['peer', 'name', GENERATOR_INTERFACE, 'address', GENERATOR_MAC, 'netns', String(generator.pid)],
  );
  for (const [namespace, device] of [
    [server, SERVER_INTERFACE],
    [generator, GENERATOR_INTERFACE],
  ] as const) {
    await namespace.ip('link', 'set', 'dev', device, 'addrgenmode', 'none');
    await namespace.ip('link', 'set', 'dev', device, 'up');
  }
  await server.ip('link', 'set', 'dev', 'lo', 'up');
  await server.ip('address', 'add', `${SERVER_ADDRESS}/24`, 'dev', SERVER_INTERFACE);
  const neighbour = [GENERATOR_ADDRESS, 'lladdr', GENERATOR_MAC, 'nud', 'permanent', 'dev', SERVER_INTERFACE];
  await server.ip('neighbour', 'replace', ...neighbour);
  await server.waitForCarrier(SERVER_INTERFACE);
  await generator.waitForCarrier(GENERATOR_INTERFACE);
}

/** Whether a socket of the process's network namespace, UDP or TCP over IPv4, is bound to a port. */
async function isBound(pid: number, port: number): Promise<boolean> {
  const text = `:${port.toString(16).toUpperCase().padStart(4, '0')} `;
  try {
    const tables = await Promise.all(['udp', 'tcp'].map((name) => readFile(`/proc/${pid}/net/${name}`, 'utf8')));
    return tables.some((table) => table.split('\n').some((line) => line.slice(0, 30).includes(text)));
  } catch {
    return false;
  }
}

/** Debian's memcached with the libraries of its own packages, so that host and guest run the same code. */
async function memcached(options: LinuxHostOptions): Promise<HostServer> {
  const { packages } = await fetchPackageSet('memcached', { onProgress: options.onProgress, signal: options.signal });
  const port = String(MEMCACHED_PORT);
  const argv = [
    // Root of the namespace only; changing users would clear the death signal.
    ...(['/usr/bin/memcached', '-u', 'root', '-U', port, '-p', port, '-l', SERVER_ADDRESS] as const),
    ...['-t', String(options.threads ?? 1), '-m', String(options.itemMebibytes ?? 64)],
  ] as const;
  return { name: 'memcached', command: await hostCommand(packages, { argv, files: [] }), port: MEMCACHED_PORT };
}

/** Collects what a child prints; the end is kept. */
function collectOutput(child: ChildProcess): () => string {
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (chunk: string) => {
      text = (text + chunk).slice(-100_000);
    });
  }
  return () => text;
}

function describeEnd(child: ChildProcess): string {
  return child.signalCode === null ? `ended with status ${child.exitCode}` : `was ended by ${child.signalCode}`;
}

/**
 * Starts a server, pinned, in a fresh network namespace, and resolves when its socket is bound.
 * @throws EnvironmentError when namespaces are not permitted, naming the remedy
 * @throws LinuxHostError when the server did not start before the deadline
 */
export async function startLinuxHost(options: LinuxHostOptions): Promise<LinuxHost> {
  const support = await linuxHostSupport();
  if (!support.available) throw new EnvironmentError(`linux-host: ${support.reason}\n${support.remedy}`);
  const { name, command, port } = options.server ?? (await memcached(options));
  const pinned = ['setpriv', '--pdeathsig', 'KILL', '--', 'taskset', '--cpu-list', String(options.core), ...command];

  const cleanups: (() => Promise<unknown>)[] = [];
  let stopping: Promise<void> | undefined;
  const stop = (): Promise<void> => {
    stopping ??= (async () => {
      for (const cleanup of cleanups.reverse()) await cleanup();
    })();
    return stopping;
  };
  try {
    const server = await NetworkNamespace.create(support.how);
    cleanups.push(() => server.close());
    const generator = await NetworkNamespace.create(support.how, server);
    cleanups.push(() => generator.close());
    await connect(server, generator);

    const [program = '', ...args] = [...server.prefix, ...pinned];
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    const output = collectOutput(child);
    const exited = once(child, 'exit');
    exited.catch(() => {});
    cleanups.push(async () => {
      child.kill('SIGKILL');
      await exited.catch(() => {});
    });
    const end = performance.now() + START_DEADLINE_MS;
    while (child.pid === undefined || !(await isBound(child.pid, port))) {
      options.signal?.throwIfAborted();
      if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) {
        throw new LinuxHostError(`linux-host: ${name} ${describeEnd(child)}\n${output()}`);
      }
      if (performance.now() > end) {
        throw new LinuxHostError(
          `linux-host: ${name} bound no socket within ${START_DEADLINE_MS / 1000} s\n${output()}`,
        );
      }
      await pause(2);
    }
    const pid = child.pid;
    const ended = Promise.race([
      exited.then(() => `${name} ${describeEnd(child)}`),
      server.ended.then(() => `the holder of ${name}'s namespace ended`),
      generator.ended.then(() => "the holder of the generator's namespace ended"),
    ]).then((reason) => ({ reason, output: output() }));
    return {
      pid,
      address: SERVER_ADDRESS,
      generatorInterface: GENERATOR_INTERFACE,
      generatorPrefix: generator.prefix,
      cpuTime: () => readCpuTime(pid),
      ended,
      stop,
      [Symbol.asyncDispose]: stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}
