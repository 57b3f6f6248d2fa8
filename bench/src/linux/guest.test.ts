import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fetchImagePackages } from '@plumbline/variants';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { buildCountingPlugin, connectToCounters, countedBetween, countingPluginArguments } from '../counting/index.ts';
import { withDeadline } from '../deadline.ts';
import { dyingWithUs } from '../process/command.ts';
import { linuxGuestArguments, linuxGuestCommandLine } from './guest-arguments.ts';
import { buildLinuxGuestImage, type LinuxGuestImage } from './guest-image.ts';
import { linuxProgramArchive } from './guest-program.ts';
import { askMemcached } from './test/memcached-client.ts';

let image: LinuxGuestImage;
let qemu: ChildProcess | undefined;
beforeAll(async () => {
  image = await buildLinuxGuestImage();
}, 300_000);
afterEach(() => qemu?.kill('SIGKILL'));

/** The image's initramfs with Debian's memcached behind it. */
async function memcachedIn(directory: string, threads = 1): Promise<string> {
  const { packages } = await fetchImagePackages(['memcached'], {});
  const archive = await linuxProgramArchive(packages, {
    argv: ['/usr/bin/memcached', '-u', 'nobody', '-U', '11211', '-p', '11211', '-t', String(threads), '-m', '64'],
    files: [],
  });
  const initramfs = join(directory, 'initramfs.cpio');
  await writeFile(initramfs, Buffer.concat([await readFile(image.initramfs), archive]));
  return initramfs;
}

/** A loopback UDP port that was free a moment ago. */
function somePort(): number {
  return 20_000 + Math.floor(Math.random() * 10_000);
}

function boot(args: readonly string[]): { console: () => string; ended: Promise<unknown> } {
  const [program, ...rest] = dyingWithUs(['qemu-system-x86_64', ...args]);
  const child = spawn(program, rest, { stdio: ['ignore', 'pipe', 'inherit'] });
  qemu = child;
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  return { console: () => text, ended: once(child, 'exit') };
}

describe('the image', () => {
  it('is the same to the byte when it is built again', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'plumbline-image-'));
    try {
      const again = await buildLinuxGuestImage({ imageDirectory: directory });
      expect(again.initramfs).not.toBe(image.initramfs);
      expect((await readFile(again.initramfs)).equals(await readFile(image.initramfs))).toBe(true);
      expect(again.buildId).toBe(image.buildId);
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  });
  it('says what it is made of', () => {
    expect(image.release).toMatch(/^\d+\.\d+\..*-cloud-amd64$/);
    expect(image.packages.map(({ name }) => name)).toContain(`linux-image-${image.release}`);
    expect(image.bytes).toBeGreaterThan(10 << 20);
  });
});

describe('the command line', () => {
  const options = {
    machine: 'microvm',
    initramfs: 'i',
    vcpus: 2,
    memory: 1 << 28,
    network: { kind: 'vhost-user', socket: 's', queues: 1 },
  } as const;
  it('gives TCG its TSC and a fixed layout, and leaves KVM its own', () => {
    const tcg = linuxGuestCommandLine({ ...options, image, accelerator: 'tcg' });
    expect(tcg).toMatch(/tsc_early_khz=1000000 nokaslr norandmaps -- address=10\.9\.0\.2\/24/);
    expect(linuxGuestCommandLine({ ...options, image, accelerator: 'kvm' })).not.toMatch(/tsc_early_khz|nokaslr/);
  });
  it('takes chance out under icount', () => {
    const args = linuxGuestArguments({ ...options, image, accelerator: 'tcg', icountSeed: 7 });
    expect(args.join(' ')).toMatch(/-icount shift=0,sleep=off .*rdrand=off.* -seed 7/);
    expect(args.join(' ')).toMatch(/random\.trust_cpu=off/);
  });
});

describe('the guest, under TCG with the counting plugin', () => {
  it.each(['microvm', 'q35'] as const)('boots on %s, answers, is counted', async (machine) => {
    const directory = await mkdtemp(join(tmpdir(), 'plumbline-guest-'));
    try {
      const hostPort = somePort();
      const socket = join(directory, 'counters');
      const { console } = boot([
        ...linuxGuestArguments({
          ...{ image, initramfs: await memcachedIn(directory), accelerator: 'tcg', machine, vcpus: 1 },
          memory: 256 << 20,
          network: { kind: 'user', hostPort },
        }),
        ...countingPluginArguments({ plugin: await buildCountingPlugin(), socket }),
      ]);
      expect(await askMemcached('127.0.0.1', hostPort, 'version\r\n', 60_000)).toMatch(/^VERSION 1\./);
      expect(console()).not.toContain('plumbline-init');
      await using counters = await connectToCounters(socket);
      const before = await counters.read();
      for (let request = 0; request < 100; request++) {
        const answer = await askMemcached('127.0.0.1', hostPort, `set key${request} 0 0 5\r\nvalue\r\n`, 10_000);
        expect(answer).toBe('STORED\r\n');
      }
      const counted = countedBetween(before, await counters.read());
      // A bound wide enough for timer interrupts, narrow enough to notice that the wrong thing is counted.
      expect((counted.user + counted.kernel) / 100).toBeGreaterThan(8_000);
      expect((counted.user + counted.kernel) / 100).toBeLessThan(200_000);
      expect(counted.kernel).toBeGreaterThan(counted.user);
      expect(counted.halts).toBeGreaterThan(50);
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  });

  it('ends the machine with a failure and its reason when the program cannot run', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'plumbline-failing-'));
    try {
      const { console, ended } = boot(
        linuxGuestArguments({
          ...{ image, initramfs: await memcachedIn(directory, -1), accelerator: 'tcg', machine: 'microvm', vcpus: 1 },
          ...{ memory: 256 << 20, network: { kind: 'user', hostPort: somePort() } },
        }),
      );
      // isa-debug-exit: (0x11 << 1) | 1.
      expect(await withDeadline(ended, 30_000, 'end of the guest')).toEqual([35, null]);
      expect(console()).toMatch(/plumbline-init: the program ended with status \d+/);
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  });

  it('executes the same instructions in two boots under icount, to the digit', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'plumbline-icount-'));
    try {
      // A guest that ends by itself, without the outside: memcached refuses to start.
      const initramfs = await memcachedIn(directory, -1);
      const totals: unknown[] = [];
      for (const name of ['first', 'second']) {
        const final = join(directory, `${name}.json`);
        const { ended } = boot([
          ...linuxGuestArguments({
            ...{ image, initramfs, accelerator: 'tcg', machine: 'microvm', vcpus: 1, memory: 256 << 20, icountSeed: 1 },
            network: { kind: 'user', hostPort: somePort() },
          }),
          ...countingPluginArguments({ plugin: await buildCountingPlugin(), socket: join(directory, name), final }),
        ]);
        expect(await withDeadline(ended, 120_000, 'end of the guest')).toEqual([35, null]);
        totals.push(JSON.parse(await readFile(final, 'utf8')));
      }
      expect(totals[1]).toEqual(totals[0]);
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  }, 300_000);
});
