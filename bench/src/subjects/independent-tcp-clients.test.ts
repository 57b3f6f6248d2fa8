import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildKernel, buildProgramImage, defaultValues, type KernelImage } from '@plumbline/variants';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  chooseAccelerator,
  GUEST_MAC,
  guestCommand,
  launchGuest,
  programConfig,
  Resources,
  type RunningGuest,
} from '../vmm/index.ts';
import type { SubjectProgram } from './program.ts';
import { guestPlace, MEMCACHED_TCP, NGINX, PAGE_BYTES, REDIS, type Service } from './service.ts';
import { eventually, TapNamespace } from './testing/tap-namespace.ts';

/*
 * Clients that are not ours, on Linux's TCP, against Debian's servers on our kernel over a tap in a network namespace. What
 * a client counts and what the server counts must agree. Needs root and /dev/kvm.
 */
const ADDRESS = '10.9.0.2';
const ASK = fileURLToPath(new URL('testing/tcp-ask.mjs', import.meta.url));
const MINUTE = 60_000;

let kernel: KernelImage;
let resources: Resources;
let namespace: TapNamespace;
let guest: RunningGuest;

beforeAll(async () => {
  kernel = await buildKernel(defaultValues());
}, 600_000);
beforeEach(async () => {
  resources = new Resources();
  namespace = await TapNamespace.create(resources);
});
afterEach(() => resources.close());

async function start(program: SubjectProgram): Promise<void> {
  const directory = resources.directory();
  const image = await buildProgramImage(program.packages, {});
  const { argv, files } = program;
  const network = { tap: TapNamespace.tap, mac: GUEST_MAC };
  const { accelerator } = chooseAccelerator('kvm');
  const config = await programConfig(
    { argv, files, kernel, image, accelerator, memoryBytes: 256 << 20, options: { ip: `${ADDRESS}/24` }, network },
    directory,
  );
  const command = guestCommand({
    ...config,
    serial: join(directory, 'serial.log'),
    console: join(directory, 'console.log'),
  });
  guest = launchGuest(command, resources, { prefix: namespace.inside([]) });
}

async function serve(service: Service): Promise<void> {
  await start(await service.program(guestPlace(1, resources.directory())));
}

/** Waits until a question to the server is answered. */
async function answered(argv: readonly string[], by: RegExp): Promise<void> {
  await eventually('the server', async () => by.test(await namespace.run(argv, 2_000))).catch((error: Error) => {
    throw new Error(`${error.message}\n${guest.log()}`);
  });
}

describe('clients over tap against unmodified servers on our kernel', () => {
  it('redis-benchmark: redis has executed as many commands as were asked for', async () => {
    await serve(REDIS);
    await answered(['redis-cli', '-h', ADDRESS, 'ping'], /PONG/);
    const requests = 20_000;
    const output = await namespace.run(
      ['redis-benchmark', '-h', ADDRESS, '-c', '50', '-P', '16', '-n', String(requests), '-t', 'set,get', '--csv'],
      MINUTE,
    );
    expect(output).toMatch(/"GET",/);
    const stats = await namespace.run(['redis-cli', '-h', ADDRESS, 'info', 'commandstats'], 5_000);
    for (const command of ['get', 'set']) {
      expect(stats).toMatch(new RegExp(`^cmdstat_${command}:calls=${requests},.*failed_calls=0`, 'm'));
    }
  }, 120_000);

  it('memcaslap: memcached has served as many gets and sets, and missed as many', async () => {
    await serve(MEMCACHED_TCP);
    const ask = [process.execPath, ASK, ADDRESS, '11211', 'stats'];
    await answered(ask, /STAT pid/);
    const counters = async (): Promise<(name: string) => number> => {
      const text = await namespace.run(ask, 10_000);
      return (name) => Number(new RegExp(`^STAT ${name} (\\d+)\\r?$`, 'm').exec(text)?.[1]);
    };
    const before = await counters();
    const output = await namespace.run(
      ['memcaslap', '-s', `${ADDRESS}:11211`, '-T', '1', '-c', '8', '-x', '16000'],
      MINUTE,
    );
    const after = await counters();
    const counted = (name: string) => Number(new RegExp(`^${name}: (\\d+)$`, 'm').exec(output)?.[1]);
    expect(counted('cmd_get')).toBeGreaterThan(10_000);
    for (const name of ['cmd_get', 'cmd_set', 'get_misses']) expect(after(name) - before(name)).toBe(counted(name));
  }, 120_000);

  it('wrk: every page is whole, and none fails', async () => {
    await serve(NGINX);
    await answered(['wrk', '-t', '1', '-c', '1', '-d', '1', `http://${ADDRESS}/`], /[1-9]\d* requests in/);
    const output = await namespace.run(
      [
        'wrk',
        '-t',
        '1',
        '-c',
        '50',
        '-d',
        '3',
        '-s',
        fileURLToPath(new URL('testing/whole-pages.lua', import.meta.url)),
        `http://${ADDRESS}/`,
      ],
      MINUTE,
    );
    expect(output).not.toMatch(/Socket errors|Non-2xx/);
    expect(Number(/(\d+) requests in/.exec(output)?.[1])).toBeGreaterThan(1_000);
    expect(output).toMatch(new RegExp(`^bodies: ${PAGE_BYTES} to ${PAGE_BYTES} bytes$`, 'm'));
  }, 120_000);

  it.each(['to', 'from'])(
    'iperf3 to iperf3: what is sent %s our kernel arrives whole',
    async (direction) => {
      await start({ packages: ['iperf3'], argv: ['/usr/bin/iperf3', '-s', '-B', ADDRESS], files: [] });
      const client = ['iperf3', '-c', ADDRESS, '-J'];
      await answered([...client, '-n', '1M'], /"sum_received"/);
      const bytes = 64 << 20;
      const output = await namespace.run(
        [...client, '-n', String(bytes), ...(direction === 'from' ? ['-R'] : [])],
        MINUTE,
      );
      const sum = z.object({ bytes: z.number() });
      const { end } = z.object({ end: z.object({ sum_sent: sum, sum_received: sum }) }).parse(JSON.parse(output));
      expect(end.sum_sent.bytes).toBeGreaterThanOrEqual(bytes);
      // The receiver stops when it has seen the end of the test; what is still on its way is not counted.
      expect(end.sum_received.bytes).toBeGreaterThanOrEqual(0.9 * bytes);
      expect(end.sum_received.bytes).toBeLessThanOrEqual(end.sum_sent.bytes);
    },
    120_000,
  );
});
