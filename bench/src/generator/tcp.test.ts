import { fetchImagePackages } from '@plumbline/variants';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { hostCommand, type LinuxHost, startLinuxHost } from '../linux/index.ts';
import { MEMCACHED_TCP, NGINX, PAGE_BYTES, REDIS, type Service, TCP_PEER } from '../subjects/service.ts';
import { Resources } from '../vmm/index.ts';
import { Generator, GeneratorError } from './generator.ts';
import { buildGenerator } from './location.ts';
import type { Keyspace, RunOptions, Traffic } from './protocol.ts';

/*
 * The generator's TCP against Debian's servers and Linux's stack over a veth, by a packet socket with offloads: what both
 * sides counted has to agree. Needs root or user namespaces, and fails with the remedy otherwise.
 */
const serverCore = 0;
const generatorCore = 1;
let resources: Resources;
let host: LinuxHost | undefined;
let generator: Generator;

beforeAll(async () => {
  await buildGenerator();
}, 600_000);

afterEach(async () => {
  await generator?.stop();
  await host?.stop();
  await resources?.close();
});

async function start(service: Service): Promise<void> {
  resources = new Resources();
  const directory = resources.directory();
  const { packages } = await fetchImagePackages(service.packages, {});
  await service.prepare();
  const program = await service.program({ vcpus: 1, directory, scratch: directory, seen: (file) => file.host });
  const command = await hostCommand(packages, program);
  host = await startLinuxHost({ core: serverCore, server: { name: service.id, command, port: service.question.port } });
  generator = await Generator.start({
    device: `packet:${host.generatorInterface}`,
    prefix: host.generatorPrefix,
    core: generatorCore,
    probeCore: serverCore,
    tso: true,
  });
  await generator.waitAnswer({ ...service.question, timeoutMs: 10_000 });
}

const keyspace: Keyspace = {
  keys: 300,
  keySizes: { kind: 'uniform', minimum: 8, maximum: 60 },
  valueSizes: { kind: 'uniform', minimum: 0, maximum: 20_000 },
  seed: 7,
};
const store = (protocol: 'memcached' | 'redis', getShare: number): Traffic => {
  const traffic = { keyspace, popularity: { kind: 'zipf', exponent: 0.99 }, getShare } as const;
  return protocol === 'redis' ? { protocol, ...traffic } : { protocol, transport: 'tcp', ...traffic };
};
const closed = (connections: number, outstanding: number): Omit<RunOptions, 'traffic' | 'limit'> => ({
  loop: { kind: 'closed', connections, outstanding },
  warmup: { kind: 'none' },
  verify: 'all',
  seed: 3,
  timeoutMs: 60_000,
  // A busy host may keep the server off its core for a while; that is no loss.
  lossTimeoutMs: 5_000,
});
const requests = (count: number): Pick<RunOptions, 'limit'> => ({ limit: { kind: 'requests', requests: count } });

describe('redis', () => {
  const infoOf = async (section: string, name: string): Promise<number> => {
    const text = await generator.ask({ protocol: 'redis', request: `INFO ${section}\r\n`, timeoutMs: 5_000 });
    return Number(new RegExp(`^${name}:(?:calls=)?(\\d+)`, 'm').exec(text)?.[1] ?? 0);
  };

  it('agrees about every GET, SET and hit, sixteen deep, and about connections', async () => {
    await start(REDIS);
    const populated = await generator.populate({ protocol: 'redis', keyspace, timeoutMs: 20_000 });
    expect(populated.keys).toBe(300);
    const before = {
      get: await infoOf('commandstats', 'cmdstat_get'),
      set: await infoOf('commandstats', 'cmdstat_set'),
      hits: await infoOf('stats', 'keyspace_hits'),
    };
    expect(before.set).toBe(300);
    const result = await generator.run({ ...closed(10, 16), ...requests(20_000), traffic: store('redis', 0.7) });
    expect(result.firstBad).toBeNull();
    expect(result.totals).toMatchObject({ sent: 20_000, replies: 20_000, lost: 0, bad: 0, resets: 0, opened: 10 });
    expect(result.totals.verified).toBe(20_000);
    expect(result.totals.hits).toBe(result.totals.gets);
    expect(result.totals.stored).toBe(result.totals.sets);
    expect((await infoOf('commandstats', 'cmdstat_get')) - before.get).toBe(result.totals.gets);
    expect((await infoOf('commandstats', 'cmdstat_set')) - before.set).toBe(result.totals.sets);
    expect((await infoOf('stats', 'keyspace_hits')) - before.hits).toBe(result.totals.hits);
  });

  it('keeps idle connections from several addresses open beside the load', async () => {
    await start(REDIS);
    await generator.populate({ protocol: 'redis', keyspace, timeoutMs: 20_000 });
    const run = generator.run({
      ...closed(4, 1),
      traffic: store('redis', 1),
      limit: { kind: 'seconds', seconds: 3 },
      idleConnections: 500,
      sources: 5,
    });
    const result = await run;
    expect(result.totals).toMatchObject({ opened: 504, resets: 0, lost: 0, bad: 0 });
    // What redis saw at most: ours, and the one that asks.
    expect(await infoOf('stats', 'total_connections_received')).toBeGreaterThanOrEqual(504);
  });

  it('an open loop keeps its rate', async () => {
    await start(REDIS);
    await generator.populate({ protocol: 'redis', keyspace, timeoutMs: 20_000 });
    const result = await generator.run({
      ...closed(1, 1),
      traffic: store('redis', 0.5),
      loop: { kind: 'open', rate: 2_000, arrivals: 'poisson', connections: 8, maxInFlight: 256 },
      limit: { kind: 'seconds', seconds: 1 },
    });
    const seconds = result.slices.reduce((total, slice) => total + slice.durationNs, 0) / 1e9;
    const sent = result.slices.reduce((total, slice) => total + slice.sent, 0);
    // Arrivals within five standard deviations.
    expect(Math.abs(sent - 2_000 * seconds)).toBeLessThan(5 * Math.sqrt(2_000 * seconds));
    expect(result.totals.bad).toBe(0);
  });
});

describe('memcached over TCP', () => {
  it('agrees about every get, set, hit and miss', async () => {
    await start(MEMCACHED_TCP);
    const counter = async (name: string): Promise<number> => {
      const text = await generator.ask({ transport: 'tcp', request: 'stats\r\n', timeoutMs: 5_000 });
      return Number(new RegExp(`^STAT ${name} (\\d+)\\r$`, 'm').exec(text)?.[1]);
    };
    // The one that asked whether it answers.
    const asked = await counter('cmd_get');
    const missing = await generator.run({ ...closed(3, 4), ...requests(3_000), traffic: store('memcached', 1) });
    expect(missing.totals).toMatchObject({ replies: 3_000, misses: 3_000, hits: 0, bad: 0 });
    await generator.populate({ transport: 'tcp', keyspace, timeoutMs: 20_000 });
    expect(await counter('curr_items')).toBe(300);
    const result = await generator.run({ ...closed(10, 4), ...requests(20_000), traffic: store('memcached', 0.7) });
    expect(result.firstBad).toBeNull();
    expect(result.totals).toMatchObject({ sent: 20_000, replies: 20_000, lost: 0, bad: 0, resets: 0 });
    expect((await counter('cmd_get')) - asked).toBe(3_000 + result.totals.gets);
    expect(await counter('cmd_set')).toBe(300 + result.totals.sets);
    expect(await counter('get_hits')).toBe(result.totals.hits);
  });
});

describe('nginx', () => {
  const page = (over: object = {}): Traffic => ({ protocol: 'http', path: '/', bodyBytes: PAGE_BYTES, ...over });

  it('gives the same page on connections that are kept and on one for each', async () => {
    await start(NGINX);
    const kept = await generator.run({ ...closed(10, 2), ...requests(5_000), traffic: page() });
    expect(kept.totals).toMatchObject({ replies: 5_000, bad: 0, lost: 0, opened: 10, resets: 0, verified: 5_000 });
    const each = await generator.run({ ...closed(5, 1), ...requests(1_000), traffic: page({ keepAlive: false }) });
    expect(each.totals).toMatchObject({ replies: 1_000, bad: 0, lost: 0, opened: 1_000, resets: 0 });
    expect(each.totals.bytesReceived).toBeGreaterThan(1_000 * PAGE_BYTES);
  });

  it('is caught with another page than was expected', async () => {
    await start(NGINX);
    const longer = await generator.run({ ...closed(1, 1), ...requests(10), traffic: page({ bodyBytes: 613 }) });
    expect(longer.totals.bad).toBe(10);
    expect(longer.firstBad).toMatch(/a page of another length/);
    const missing = await generator.run({ ...closed(1, 1), ...requests(10), traffic: page({ path: '/nothing' }) });
    expect(missing.firstBad).toMatch(/another status than 200: HTTP\/1.1 404/);
  });
});

describe('the peer program', () => {
  it('echoes messages of any size, and every byte of them', async () => {
    await start(TCP_PEER);
    for (const payloadBytes of [1, 1_448, 65_536]) {
      const traffic: Traffic = { protocol: 'echo', transport: 'tcp', payloadBytes };
      const { totals } = await generator.run({ ...closed(4, 3), ...requests(500), traffic });
      expect(totals).toMatchObject({ replies: 500, verified: 500, bad: 0, lost: 0, opened: 4 });
      expect(totals.bytesReceived).toBe(500 * payloadBytes);
    }
  });

  it('takes and gives streams', async () => {
    await start(TCP_PEER);
    for (const [direction, port] of [
      ['to-server', 9],
      ['from-server', 19],
    ] as const) {
      const traffic: Traffic = { protocol: 'stream', port, direction, messageBytes: 16_384 };
      const { totals } = await generator.run({ ...closed(2, 1), limit: { kind: 'seconds', seconds: 0.5 }, traffic });
      expect(direction === 'to-server' ? totals.bytesSent : totals.bytesReceived).toBeGreaterThan(10_000_000);
      expect(totals).toMatchObject({ opened: 2, resets: 0 });
    }
  });

  it('takes a connection for each request', async () => {
    await start(TCP_PEER);
    const traffic: Traffic = { protocol: 'connect', payloadBytes: 64 };
    const result = await generator.run({ ...closed(10, 1), ...requests(2_000), traffic, sources: 2 });
    expect(result.totals).toMatchObject({ replies: 2_000, opened: 2_000, lost: 0, bad: 0, resets: 0 });
    for (const { latency, connectLatency } of result.placements) {
      expect(connectLatency?.p50Ns).toBeLessThan(latency?.p50Ns ?? 0);
    }
  });

  it('refuses what nobody listens on, and the generator says so', async () => {
    await start(TCP_PEER);
    const traffic: Traffic = { protocol: 'echo', transport: 'tcp', port: 8, payloadBytes: 10 };
    const error = await generator.run({ ...closed(2, 1), ...requests(10), traffic }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(GeneratorError);
    expect((error as GeneratorError).code).toBe('refused');
    expect((error as GeneratorError).message).toMatch(/refuses connections to port 8/);
  });
});
