import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import type { Duplex } from 'node:stream';
import { z } from 'zod';
import { withDeadline } from '../deadline.ts';
import { EnvironmentError } from '../errors.ts';
import { boundToUs } from '../process/launcher.ts';
import { decodeExit, type GuestExit } from './exit.ts';
import { type GuestConfig, ownFirmware, pciSlots, qemuArguments } from './machine.ts';
import { joinModules, placeModules } from './modules.ts';
import { QmpClient } from './qmp.ts';
import type { Resources } from './run-directory.ts';
import { writeStartInfo } from './start-info.ts';

const QEMU = 'qemu-system-x86_64';
const LONGEST_STDERR = 64 << 10;

const cpusFast = z.array(z.object({ 'cpu-index': z.int(), 'thread-id': z.int().positive() }));

/** A guest under way. */
export interface RunningGuest {
  readonly pid: number;
  readonly qmp: QmpClient;
  /** CLOCK_MONOTONIC, ns, immediately before QEMU's start. */
  readonly startedNs: bigint;
  /** Settles, never rejects, when QEMU has ended. */
  readonly exited: Promise<GuestExit>;
  /** How QEMU ended, or undefined while it runs. */
  readonly exit: GuestExit | undefined;
  /** What the guest wrote so far to serial port and console. */
  log(): string;
  /** Thread ids of the vCPUs, in order. */
  vcpuThreads(): Promise<number[]>;
  /** Ends QEMU: asks it first, kills it after the deadline. */
  stop(deadlineMs?: number): Promise<GuestExit>;
}

/** A guest as QEMU's arguments, and the files in which it leaves its words. */
export interface GuestCommand {
  readonly arguments: readonly string[];
  readonly logs: readonly string[];
}

/**
 * The command of a guest of ours; writes what our firmware needs.
 * @throws UsageError when the options are too long, ElfError when the kernel is no PVH kernel (with our firmware).
 */
export function guestCommand(config: GuestConfig): GuestCommand {
  const firmware = ownFirmware(config);
  const { modules } = config;
  if (firmware) {
    const placed = placeModules(modules, config.memoryBytes);
    const slots = pciSlots(config);
    // The kernel need not ask 31 slots for the network card that it may not have: each takes an exit.
    const options = slots === undefined ? config.options : `${config.options} pci.slots=${slots}`;
    writeStartInfo(firmware.startInfo, config.kernel, { ...config, options, modules: placed });
  } else if (modules) {
    joinModules(modules);
  }
  const logs = [config.serial, config.console].filter((file) => file !== undefined && file !== 'stdio');
  return { arguments: qemuArguments(config), logs: logs.filter((file) => file !== undefined) };
}

export interface LaunchOptions {
  /** CPUs for all of QEMU's threads from the start; not pinned when absent. */
  readonly cpus?: readonly number[];
  /** Put before QEMU's command, such as the entry into a network namespace. */
  readonly prefix?: readonly string[];
  /** Connects the guest's serial port with our terminal. */
  readonly terminal?: boolean;
}

function readLogs(files: readonly string[]): string {
  return files
    .filter((file) => existsSync(file))
    .map((file) => readFileSync(file, 'utf8'))
    .join('\n');
}

/**
 * QEMU with large pages for its heap (glibc's malloc, Tunables in its manual): it then starts with 1,500 page faults less, in
 * 3 ms less of CPU time. Who has set tunables keeps them.
 */
function environment(): NodeJS.ProcessEnv {
  const tunables = ['glibc.malloc.hugetlb=1', process.env.GLIBC_TUNABLES].filter((text) => text);
  return { ...process.env, GLIBC_TUNABLES: tunables.join(':') };
}

/** The QMP connection is file descriptor 3, inherited: no socket file, no race at the start. */
const CONTROL = ['-chardev', 'socket,id=qmp0,fd=3', '-mon', 'chardev=qmp0,mode=control'];

/**
 * Starts a guest. QEMU dies with us: by the resources when we end in order, by the kernel when we do not.
 * @throws EnvironmentError when QEMU is not installed.
 */
export function launchGuest(guest: GuestCommand, resources: Resources, options: LaunchOptions = {}): RunningGuest {
  const [program, ...argv] = boundToUs([...(options.prefix ?? []), QEMU, ...guest.arguments, ...CONTROL], options.cpus);
  const env = environment();
  const startedNs = process.hrtime.bigint();
  const child = spawn(program, argv, {
    env,
    stdio: [options.terminal ? 'inherit' : 'ignore', options.terminal ? 'inherit' : 'ignore', 'pipe', 'pipe'],
    // Ctrl-C reaches us; we end QEMU in order. With a terminal the guest's console takes the keys.
    detached: !options.terminal,
  });
  return new QemuProcess(child, guest.logs, resources, startedNs);
}

class QemuProcess implements RunningGuest {
  readonly pid: number;
  readonly qmp: QmpClient;
  readonly startedNs: bigint;
  readonly exited: Promise<GuestExit>;
  exit: GuestExit | undefined;
  private readonly child: ChildProcess;
  private readonly logs: readonly string[];
  private stderr = '';
  private requested = false;
  private readonly release: () => Promise<void>;

  constructor(child: ChildProcess, logs: readonly string[], resources: Resources, startedNs: bigint) {
    if (child.pid === undefined) {
      child.on('error', () => {});
      throw new EnvironmentError(`${child.spawnfile} cannot be started: remove build/launcher, it is made anew.`);
    }
    this.child = child;
    this.logs = logs;
    this.pid = child.pid;
    this.startedNs = startedNs;
    child.stderr?.setEncoding('utf8');
    child.stderr?.on('data', (text: string) => {
      if (this.stderr.length < LONGEST_STDERR) this.stderr += text;
    });
    this.qmp = QmpClient.over(child.stdio[3] as Duplex);
    this.exited = new Promise((resolve) => {
      child.once('close', (status, signal) => {
        const missing = status === 127 ? `${QEMU} cannot be started: install the Debian package qemu-system-x86. ` : '';
        this.exit = decodeExit(status, signal, readLogs(logs), missing + this.stderr, this.requested);
        resolve(this.exit);
      });
    });
    this.release = resources.defer(async () => {
      this.requested = true;
      if (this.exit === undefined) child.kill('SIGKILL');
      await withDeadline(this.exited, 5_000, 'the end of QEMU');
    });
  }

  log(): string {
    return readLogs(this.logs);
  }

  async vcpuThreads(): Promise<number[]> {
    const cpus = await this.qmp.execute('query-cpus-fast', cpusFast);
    return cpus.sort((a, b) => a['cpu-index'] - b['cpu-index']).map((cpu) => cpu['thread-id']);
  }

  async stop(deadlineMs = 2_000): Promise<GuestExit> {
    if (this.exit === undefined) {
      this.requested = true;
      this.qmp.execute('quit', z.unknown(), {}, deadlineMs).catch(() => {});
      await withDeadline(this.exited, deadlineMs, 'QMP quit').catch(() => this.child.kill('SIGKILL'));
    }
    await this.release();
    return this.exited;
  }
}
