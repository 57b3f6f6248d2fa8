import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { pause, withDeadline } from '../deadline.ts';
import { runCommand } from '../process/command.ts';
import { parseStatTimes } from './cpu-time.ts';
import { type LinuxHost, startLinuxHost } from './host.ts';
import { namespaceSupport } from './namespaces.ts';

// These tests need root or user namespaces; where neither is permitted they fail with the remedy.
let host: LinuxHost | undefined;
afterEach(async () => host?.stop());

const core = cpus().length - 1;

/** Runs a program in memcached's own namespace, which has an address. */
async function inServerNamespace(server: LinuxHost, argv: readonly string[]): Promise<string> {
  const [program = '', ...prefix] = server.generatorPrefix.map((word) =>
    word.startsWith('--target=') ? `--target=${server.pid}` : word,
  );
  return runCommand([program, ...prefix, ...argv], { deadlineMs: 20_000 });
}

describe('linux-host', () => {
  it('answers in a namespace of its own, pinned, and accounts for its CPU time', async () => {
    host = await startLinuxHost({ core, itemMebibytes: 32 });
    const client = fileURLToPath(new URL('test/memcached-client.ts', import.meta.url));
    const before = await host.cpuTime();
    const answer = await inServerNamespace(host, ['node', '--import', 'tsx', client, host.address, '11211', 'stats']);
    expect(answer).toMatch(/STAT limit_maxbytes 33554432\r\n/);
    expect(answer).toMatch(/STAT threads 1\r\n/);
    const after = await host.cpuTime();
    expect(after.total).toBeGreaterThan(before.total);
    expect([...after.threads.keys()]).toContain(host.pid);
    const affinity = await runCommand(['taskset', '--cpu-list', '--pid', String(host.pid)], { deadlineMs: 5_000 });
    expect(affinity).toMatch(new RegExp(`: ${core}$`, 'm'));
  });

  it('gives the generator an interface without an address, up, beside a static neighbour entry', async () => {
    host = await startLinuxHost({ core });
    const [program = '', ...prefix] = host.generatorPrefix;
    const show = ['ip', 'address', 'show', 'dev', host.generatorInterface];
    const link = await runCommand([program, ...prefix, ...show], { deadlineMs: 5_000 });
    expect(link).toMatch(/LOWER_UP[\s\S]*link\/ether 52:54:00:99:99:01/);
    expect(link).not.toMatch(/inet/);
    const neighbours = await inServerNamespace(host, ['ip', 'neighbour']);
    expect(neighbours).toMatch(/10\.9\.0\.1 .*lladdr 52:54:00:99:99:01 PERMANENT/);
  });

  it('says how it ended, and leaves nothing', async () => {
    host = await startLinuxHost({ core });
    process.kill(host.pid, 'SIGTERM');
    const end = await withDeadline(host.ended, 5_000, 'end of memcached');
    expect(end.reason).toMatch(/memcached (ended with status|was ended by)/);
    const holder = /\d+/.exec(host.generatorPrefix.find((word) => word.startsWith('--target=')) ?? '')?.[0];
    await host.stop();
    expect(existsSync(`/proc/${holder}`)).toBe(false);
  });

  it('dies with us, however we die', async () => {
    const script = `
      import { startLinuxHost } from ${JSON.stringify(new URL('host.ts', import.meta.url).href)};
      const host = await startLinuxHost({ core: ${core} });
      console.log(host.pid);
      await host.ended;`;
    const child = spawn('node', ['--import', 'tsx', '--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = await withDeadline(once(child.stdout.setEncoding('utf8'), 'data'), 20_000, 'start of memcached');
    const pid = Number(line);
    expect(existsSync(`/proc/${pid}`)).toBe(true);
    child.kill('SIGKILL');
    const end = performance.now() + 5_000;
    while (existsSync(`/proc/${pid}`) && performance.now() < end) await pause(10);
    expect(existsSync(`/proc/${pid}`)).toBe(false);
  });

  it('reports a core that does not exist', async () => {
    await expect(startLinuxHost({ core: 4095 })).rejects.toThrow(/memcached ended with status 1[\s\S]*taskset/);
  });
});

describe('namespaceSupport', () => {
  it('says that namespaces can be made, and how', async () => {
    expect(await namespaceSupport()).toEqual({
      available: true,
      how: process.getuid?.() === 0 ? 'root' : 'user-namespace',
    });
  });
});

describe('parseStatTimes', () => {
  it('is not misled by the name', () => {
    const line = '12 (a) b (c)) S 1 1 1 0 -1 4194304 10 0 0 0 25 7 0 0 20 0 1 0 100 0 0';
    expect(parseStatTimes(line)).toEqual({ user: 250_000_000, system: 70_000_000 });
  });
  it('refuses what is no stat line', () => {
    expect(() => parseStatTimes('nothing')).toThrow(RangeError);
  });
});
