import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { withDeadline } from '../deadline.ts';
import { type LinuxHost, startLinuxHost } from '../linux/index.ts';
import { runCommand } from '../process/command.ts';
import { Generator, GeneratorError } from './generator.ts';
import { buildGenerator } from './location.ts';
import type { Keyspace, RunOptions, Slice, Traffic } from './protocol.ts';

// The generator against Debian's memcached over a veth: needs root or user namespaces, and fails with the remedy otherwise.
const serverCore = 0;
const generatorCore = 1;
let host: LinuxHost;
let generator: Generator;

beforeAll(async () => {
  await buildGenerator();
}, 600_000);

beforeEach(async () => {
  host = await startLinuxHost({ core: serverCore, itemMebibytes: 64 });
  generator = await Generator.start({
    device: `packet:${host.generatorInterface}`,
    prefix: host.generatorPrefix,
    core: generatorCore,
    probeCore: serverCore,
  });
  await generator.waitAnswer({ request: 'version', port: 11211, timeoutMs: 5_000 });
});

afterEach(async () => {
  await generator?.stop();
  await host?.stop();
});

const keyspace: Keyspace = {
  keys: 500,
  keySizes: { kind: 'uniform', minimum: 8, maximum: 60 },
  valueSizes: { kind: 'uniform', minimum: 0, maximum: 5_000 },
  seed: 7,
};

function memcached(getShare: number, over: Partial<Extract<Traffic, { protocol: 'memcached' }>> = {}): Traffic {
  return {
    protocol: 'memcached',
    port: 11211,
    keyspace,
    popularity: { kind: 'zipf', exponent: 0.99 },
    getShare,
    ...over,
  };
}

const closed: Pick<RunOptions, 'loop' | 'warmup' | 'seed' | 'timeoutMs' | 'lossTimeoutMs'> = {
  loop: { kind: 'closed', connections: 4, outstanding: 4 },
  warmup: { kind: 'none' },
  seed: 3,
  timeoutMs: 60_000,
  // A busy host may keep memcached off its core for a while; that is no loss.
  lossTimeoutMs: 2_000,
};

type ServerCounters = Record<'cmd_get' | 'cmd_set' | 'get_hits' | 'get_misses' | 'curr_items', number>;

async function serverCounters(): Promise<ServerCounters> {
  const text = await generator.ask({ request: 'stats\r\n', timeoutMs: 5_000 });
  const value = (name: string) => Number(new RegExp(`^STAT ${name} (\\d+)\\r$`, 'm').exec(text)?.[1]);
  return {
    cmd_get: value('cmd_get'),
    cmd_set: value('cmd_set'),
    get_hits: value('get_hits'),
    get_misses: value('get_misses'),
    curr_items: value('curr_items'),
  };
}

/** Runs a program in memcached's own namespace, which has an address. */
function inServerNamespace(argv: readonly string[]): [string, ...string[]] {
  const [program = '', ...prefix] = host.generatorPrefix.map((word) =>
    word.startsWith('--target=') ? `--target=${host.pid}` : word,
  );
  return [program, ...prefix, ...argv];
}

describe('the generator and memcached', () => {
  it('agree about every get, set, hit and miss, with values in fragments and in several datagrams', async () => {
    const populated = await generator.populate({ keyspace, timeoutMs: 20_000, retryMs: 2_000 });
    expect(populated.keys).toBe(500);
    const before = await serverCounters();
    expect(before.curr_items).toBe(500);
    const slices: Slice[] = [];
    const result = await generator.run(
      { ...closed, traffic: memcached(0.7), limit: { kind: 'requests', requests: 20_000 }, verify: 'all' },
      (slice) => slices.push(slice),
    );
    const after = await serverCounters();
    expect(result.firstBad).toBeNull();
    expect(result.totals).toMatchObject({ sent: 20_000, replies: 20_000, lost: 0, late: 0, duplicates: 0, bad: 0 });
    expect(result.totals.verified).toBe(20_000);
    expect(result.totals.gets + result.totals.sets).toBe(20_000);
    expect(after.cmd_get - before.cmd_get).toBe(result.totals.gets);
    expect(after.cmd_set - before.cmd_set).toBe(result.totals.sets);
    expect(after.get_hits - before.get_hits).toBe(result.totals.hits);
    expect(result.totals.hits).toBe(result.totals.gets);
    expect(result.totals.stored).toBe(result.totals.sets);
    expect(slices.length).toBe(result.slices.length);
    expect((await generator.stats()).ownLoss).toBe(0);
  });

  it('agree about misses', async () => {
    const before = await serverCounters();
    const result = await generator.run({
      ...closed,
      traffic: memcached(1),
      limit: { kind: 'requests', requests: 3_000 },
      verify: 'all',
    });
    const after = await serverCounters();
    expect(result.totals).toMatchObject({ gets: 3_000, misses: 3_000, hits: 0, bad: 0 });
    expect(after.get_misses - before.get_misses).toBe(3_000);
  });

  it('keep to an open loop`s rate, and slices add up', async () => {
    await generator.populate({ keyspace, timeoutMs: 20_000, retryMs: 2_000 });
    const result = await generator.run({
      ...closed,
      traffic: memcached(1),
      loop: { kind: 'open', rate: 2_000, arrivals: 'poisson', connections: 8, maxInFlight: 256 },
      limit: { kind: 'seconds', seconds: 1 },
      sliceMs: 250,
    });
    expect(result.slices).toHaveLength(4);
    const sum = (pick: (slice: Slice) => number) => result.slices.reduce((total, slice) => total + pick(slice), 0);
    const seconds = sum((slice) => slice.durationNs) / 1e9;
    expect(seconds).toBeGreaterThan(0.99);
    // 2,000 arrivals within five standard deviations.
    expect(Math.abs(sum((slice) => slice.sent) - 2_000 * seconds)).toBeLessThan(5 * Math.sqrt(2_000));
    expect(result.placements.reduce((total, { replies }) => total + replies, 0)).toBe(sum((slice) => slice.replies));
    for (const { latency, replies } of result.placements) {
      expect(latency?.histogram.reduce((total, [, count]) => total + count, 0)).toBe(latency?.count);
      expect(latency?.count).toBeLessThanOrEqual(replies);
    }
  });

  it('a run that is interrupted hands over what it has', async () => {
    const run = generator.run({ ...closed, traffic: memcached(1), limit: { kind: 'seconds', seconds: 30 } });
    await new Promise((resolve) => setTimeout(resolve, 400));
    await generator.interrupt();
    const result = await run;
    expect(result.stopped).toBe(true);
    expect(result.totals.sent).toBe(result.totals.replies + result.totals.lost);
    expect(result.totals.replies).toBeGreaterThan(0);
  });

  it('a server that refuses is quoted', async () => {
    const tooLarge: Keyspace = { ...keyspace, keys: 5, valueSizes: { kind: 'fixed', bytes: 60_000 } };
    const small = await generator.populate({ keyspace: tooLarge, timeoutMs: 5_000, retryMs: 1_000 }).catch((e) => e);
    // 60,000 bytes in 41 fragments arrive whole: memcached reads datagrams of up to 64 KiB.
    expect(small).toMatchObject({ keys: 5, valueBytes: 300_000 });
    const error = await generator.ask({ request: 'nonsense\r\n', timeoutMs: 2_000 });
    expect(error).toBe('ERROR\r\n');
  });

  it('a server that loses, repeats, delays and errs is accounted for to the request', async () => {
    const script = fileURLToPath(new URL('test/faulty-server.ts', import.meta.url));
    const [program, ...argv] = inServerNamespace(['node', '--import', 'tsx', script, host.address, '11311', '250']);
    const faulty = spawn(program, argv, { stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      await withDeadline(once(faulty.stdout, 'data'), 20_000, 'start of the faulty server');
      await generator.waitAnswer({ request: 'version', port: 11311, timeoutMs: 5_000 });
      const result = await generator.run({
        ...closed,
        traffic: memcached(1, { port: 11311 }),
        limit: { kind: 'requests', requests: 1_000 },
        lossTimeoutMs: 150,
        sliceMs: 0,
        verify: 'all',
      });
      expect(result.totals).toMatchObject({
        sent: 1_000,
        replies: 820,
        lost: 180,
        late: 90,
        duplicates: 90,
        bad: 90,
        misses: 730,
      });
      expect(result.firstBad).toMatch(/answer to a get: SERVER_ERROR out of order/);
      expect(result.slices[0]).toMatchObject({ sent: 1_000, lost: 180, late: 90 });
    } finally {
      faulty.kill('SIGKILL');
    }
  });

  it('an independent client and memcached agree in the same way, so the counters are a fair judge', async () => {
    const before = await serverCounters();
    const output = await runCommand(
      inServerNamespace(['memcaslap', '-s', `${host.address}:11211`, '--udp', '-T', '1', '-c', '8', '-x', '16000']),
      { deadlineMs: 60_000 },
    );
    const count = (name: string) => Number(new RegExp(`^${name}: (\\d+)$`, 'm').exec(output)?.[1]);
    const after = await serverCounters();
    expect(count('cmd_get')).toBeGreaterThan(1_000);
    expect(count('udp_timeout')).toBe(0);
    expect(after.cmd_get - before.cmd_get).toBe(count('cmd_get'));
    expect(after.cmd_set - before.cmd_set).toBe(count('cmd_set'));
    expect(after.get_misses - before.get_misses).toBe(count('get_misses'));
  });
});

describe('the client', () => {
  it('names what is wrong with a command', async () => {
    const wrong = { ...closed, limit: { kind: 'requests' as const, requests: 10 } };
    const keySizes = { kind: 'fixed' as const, bytes: 2 };
    const error = await generator
      .run({ ...wrong, traffic: memcached(1, { keyspace: { ...keyspace, keySizes } }) })
      .catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(GeneratorError);
    expect((error as GeneratorError).code).toBe('bad-command');
    expect((error as GeneratorError).message).toMatch(/keySizes: 500 keys need sizes from 3 to 250/);
  });

  it('says that nobody answers', async () => {
    const error = await generator
      .waitAnswer({ request: 'version', port: 9, timeoutMs: 200 })
      .catch((reason: unknown) => reason);
    expect((error as GeneratorError).code).toBe('time-out');
    expect((error as GeneratorError).message).toMatch(/no answer from port 9 to \d+ requests/);
  });

  it('reports the end of the process to whoever waits', async () => {
    const run = generator.run({ ...closed, traffic: memcached(1), limit: { kind: 'seconds', seconds: 30 } });
    setTimeout(() => process.kill(generator.ready.pid, 'SIGKILL'), 200);
    await expect(run).rejects.toThrow(/the generator has ended \(SIGKILL\)/);
    await generator.ended;
  });

  it('passes on why the generator does not come up', async () => {
    await expect(Generator.start({ device: 'packet:nothing0', core: generatorCore })).rejects.toThrow(
      /packet:nothing0: no such interface/,
    );
    await expect(Generator.start({ device: 'packet:nothing0', core: 99 })).rejects.toThrow(
      /--core '99': allowed are the cores/,
    );
  });
});
