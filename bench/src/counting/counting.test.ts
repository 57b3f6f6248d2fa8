import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { pause } from '../deadline.ts';
import { dyingWithUs, runCommand } from '../process/command.ts';
import { type CountingClient, connectToCounters } from './client.ts';
import { countedBetween } from './counters.ts';
import { type AddressRange, buildCountingPlugin, countingPluginArguments, idleRangesOfElf } from './plugin.ts';

let directory: string;
let guest: string;
let plugin: string;
let qemu: ChildProcess | undefined;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'plumbline-counting-'));
  guest = join(directory, 'counted.elf');
  plugin = await buildCountingPlugin();
  const source = fileURLToPath(new URL('test/counted.S', import.meta.url));
  const linking = '-Wl,-e,start,-Ttext=0x100000,-z,noexecstack,--build-id=none';
  const command = ['gcc-12', '-nostdlib', '-static', '-no-pie', linking, '-o', guest, source] as const;
  await runCommand([...command], { deadlineMs: 30_000 });
});
afterEach(() => qemu?.kill('SIGKILL'));
afterAll(() => rm(directory, { recursive: true, force: true }));

/** Boots the guest of `test/counted.S` and waits until it halts. */
async function runToHalt(
  vcpus: number,
  kernel: readonly AddressRange[] = [],
): Promise<{ client: CountingClient; final: string }> {
  const socket = join(directory, `counters-${vcpus}-${kernel.length}`);
  const final = join(directory, `final-${vcpus}-${kernel.length}.json`);
  const idle = await idleRangesOfElf(guest);
  const [program, ...args] = dyingWithUs([
    ...['qemu-system-x86_64', '-M', 'microvm', '-accel', 'tcg', '-cpu', 'max', '-smp', String(vcpus)],
    ...['-nodefaults', '-no-user-config', '-display', 'none', '-kernel', guest],
    ...countingPluginArguments({ plugin, socket, idle, kernel, final }),
  ]);
  qemu = spawn(program, args, { stdio: ['ignore', 'inherit', 'inherit'] });
  const client = await connectToCounters(socket);
  const end = performance.now() + 20_000;
  while ((await client.read()).total.halts === 0) {
    if (performance.now() > end) throw new Error('the guest did not halt');
    await pause(20);
  }
  return { client, final };
}

/** What `test/counted.S` says lies between its markers. */
const expected = [
  { user: 2001, repExecutions: 0, repInstructions: 0, idle: 0 },
  // 3 and a rep of 100 iterations, which QEMU executes 101 times.
  { user: 104, repExecutions: 101, repInstructions: 1, idle: 0 },
  { user: 3, repExecutions: 1, repInstructions: 1, idle: 0 },
  { user: 1 + 2 * (1 + 8 + 2), repExecutions: 16, repInstructions: 2, idle: 0 },
  { user: 0, repExecutions: 0, repInstructions: 0, idle: 101 },
  { user: 5, repExecutions: 0, repInstructions: 0, idle: 0 },
];

describe('the counting plugin, with a guest of known instructions', () => {
  it.each([1, 2])('counts exactly, to the digit, with %i vCPU', async (vcpus) => {
    const { client, final } = await runToHalt(vcpus);
    const marks = await client.marks();
    expect(marks.length).toBe(expected.length + 1);
    for (const [index, values] of expected.entries()) {
      const [before, after] = [marks[index], marks[index + 1]];
      if (before === undefined || after === undefined) throw new Error('a mark is missing');
      expect(countedBetween(before, after)).toMatchObject({ kernel: 0, halts: 0, markers: 1, ...values });
    }
    const last = await client.read();
    expect(last.vcpus.length).toBe(vcpus);
    // cli and hlt, then nothing more.
    expect(last.total.user - (marks.at(-1)?.total.user ?? 0)).toBe(2);
    await pause(50);
    expect(await client.read()).toEqual(last);

    const closed = new Promise((resolve) => qemu?.once('exit', resolve));
    qemu?.kill('SIGTERM');
    await closed;
    expect(JSON.parse(await readFile(final, 'utf8'))).toEqual({ vcpus: last.vcpus });
    await expect(client.read()).rejects.toThrow(/QEMU has ended/);
  });

  it.each([1, 2])("counts what lies in a range of the kernel's as the kernel's, with %i vCPU", async (vcpus) => {
    const { client } = await runToHalt(vcpus, [{ start: 0n, end: 1n << 32n }]);
    const marks = await client.marks();
    for (const [index, { user, idle }] of expected.entries()) {
      const [before, after] = [marks[index], marks[index + 1]];
      if (before === undefined || after === undefined) throw new Error('a mark is missing');
      expect(countedBetween(before, after)).toMatchObject({ user: 0, kernel: user, idle });
    }
  });

  it.each([
    ['socket=', /socket=: unknown|socket=PATH is missing/],
    ['socket=S,idle=5-4', /idle=5-4: not START-END/],
    ['socket=S,kernel=5-5', /kernel=5-5: not START-END/],
    ['socket=S,other=1', /other=1: unknown; allowed/],
    ['idle=1-2', /socket=PATH is missing/],
    ['socket=/no/such/directory/s', /No such file or directory/],
  ])('refuses %s by name', async (options, message) => {
    const args = ['-M', 'none', '-accel', 'tcg', '-display', 'none', '-plugin', `file=${plugin},${options}`] as const;
    const run = runCommand(['qemu-system-x86_64', ...args], { deadlineMs: 10_000, directory });
    await expect(run).rejects.toThrow(message);
  });
});
