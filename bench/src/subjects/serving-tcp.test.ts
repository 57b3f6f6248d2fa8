import { parseVariant } from '@plumbline/variants';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RunResult } from '../generator/protocol.ts';
import { type AcceleratorRequest, chooseAccelerator, chooseCores, Resources } from '../vmm/index.ts';
import { type Load, populate } from '../workloads/load.ts';
import { mixTraffic } from '../workloads/mix.ts';
import { type AnsweringSubject, startAnswering } from '../workloads/start.ts';
import { findSubject, MEMCACHED_TCP, NGINX, PAGE_BYTES, REDIS, type Service, TCP_PEER } from './index.ts';

/*
 * Servers over TCP under the real generator, which checks every reply byte by byte: Debian's, unmodified, and the peer
 * program, on our kernel with either kind of queues, and on Linux. Needs /dev/kvm, and root for Linux on the host.
 */
const MINUTE = 60_000;
let resources: Resources;
beforeEach(() => {
  resources = new Resources();
});
afterEach(() => resources.close());

async function start(
  id: string,
  service: Service,
  accel: AcceleratorRequest,
  variant = 'default',
): Promise<AnsweringSubject> {
  const subject = findSubject(id);
  const values = parseVariant(variant);
  const prepared = await subject.prepare(service, values, () => {});
  return startAnswering(prepared, {
    accelerator: id === 'linux-host' ? 'none' : chooseAccelerator(accel).accelerator,
    variant: values,
    shape: { machine: 'microvm', vcpus: 1, memoryBytes: 256 << 20 },
    cores: chooseCores(),
    resources,
    directory: resources.directory(),
    counting: false,
    answerTimeoutMs: 60_000,
  });
}

function send({ running, orFailure }: AnsweringSubject, load: Load, requests: number): Promise<RunResult> {
  return orFailure(
    running.generator.run({
      ...load,
      limit: { kind: 'requests', requests },
      warmup: { kind: 'none' },
      verify: 'all',
      probe: false,
      // A busy host may keep the guest off its core for a while; that is no loss.
      lossTimeoutMs: 10_000,
      seed: 11,
      timeoutMs: MINUTE,
    }),
  );
}

async function serves(subject: AnsweringSubject, load: Load, requests: number): Promise<RunResult> {
  await subject.orFailure(populate(subject.running, load, MINUTE));
  const result = await send(subject, load, requests);
  const { replies, lost, bad, resets } = result.totals;
  expect({ replies, lost, bad, resets, firstBad: result.firstBad }).toEqual({
    ...{ replies: requests, lost: 0, bad: 0, resets: 0 },
    firstBad: null,
  });
  return result;
}

const loop = (connections: number, outstanding = 1): Load['loop'] => ({ kind: 'closed', connections, outstanding });
const { keyspace, popularity } = mixTraffic('get');
const redisLoad = (getShare: number, connections: number, outstanding: number): Load => ({
  traffic: { protocol: 'redis', keyspace: { ...keyspace, keys: 500 }, popularity, getShare },
  loop: loop(connections, outstanding),
});

const ON: [string, AcceleratorRequest, string, number][] = [
  ['plumbline-unmodified', 'kvm', 'default', 20_000],
  ['plumbline-unmodified', 'kvm', 'copy', 20_000],
  ['plumbline-unmodified', 'tcg', 'default', 2_000],
  ['linux-host', 'kvm', 'default', 20_000],
];

describe.each(ON)('over TCP %s on %s, %s, serves', (id, accel, variant, count) => {
  it('redis, whose own counters agree with the generator’s', async () => {
    const subject = await start(id, REDIS, accel, variant);
    let [gets, sets] = [0, 500];
    for (const [share, connections, outstanding] of [
      [0.5, 50, 16],
      [1, 1, 1],
      [0.9, 200, 1],
    ] as const) {
      const { totals } = await serves(subject, redisLoad(share, connections, outstanding), count);
      gets += totals.gets;
      // `populate` writes every key once, and only when the keys change.
      sets += totals.sets + (gets === totals.gets ? 0 : 500);
    }
    const text = await subject.running.generator.ask({
      protocol: 'redis',
      transport: 'tcp',
      request: 'INFO commandstats\r\n',
      timeoutMs: 10_000,
    });
    expect(Number(/cmdstat_get:calls=(\d+)/.exec(text)?.[1])).toBe(gets);
    expect(Number(/cmdstat_set:calls=(\d+)/.exec(text)?.[1])).toBe(sets);
    await subject.running.stop();
  }, 300_000);

  it('memcached', async () => {
    const subject = await start(id, MEMCACHED_TCP, accel, variant);
    const traffic = { ...mixTraffic('get-set'), transport: 'tcp' } as const;
    const few = { ...traffic, keyspace: { ...traffic.keyspace, keys: 500 } };
    await serves(subject, { traffic: few, loop: loop(50) }, count);
    await subject.running.stop();
  }, 300_000);

  it('nginx, on connections that stay and on one for each page', async () => {
    const subject = await start(id, NGINX, accel, variant);
    const traffic = { protocol: 'http', path: '/', bodyBytes: PAGE_BYTES } as const;
    await serves(subject, { traffic, loop: loop(50) }, count);
    const { totals } = await serves(subject, { traffic: { ...traffic, keepAlive: false }, loop: loop(20) }, count / 10);
    expect(totals.opened).toBe(count / 10);
    await subject.running.stop();
  }, 300_000);

  it('the peer program: echoes of every size, connections, streams', async () => {
    const subject = await start(id, TCP_PEER, accel, variant);
    for (const payloadBytes of [1, 1448, 65_536]) {
      const traffic = { protocol: 'echo', transport: 'tcp', payloadBytes } as const;
      await serves(subject, { traffic, loop: loop(8) }, Math.ceil(count / (payloadBytes > 10_000 ? 10 : 1)));
    }
    await serves(subject, { traffic: { protocol: 'connect', payloadBytes: 64 }, loop: loop(20) }, count / 10);
    for (const [direction, port] of [
      ['to-server', 9],
      ['from-server', 19],
    ] as const) {
      const traffic = { protocol: 'stream', port, direction, messageBytes: 16_384 } as const;
      const { totals } = await send(subject, { traffic, loop: loop(1) }, 1_000);
      expect(totals.bytesSent + totals.bytesReceived).toBeGreaterThanOrEqual(1_000 * 16_384);
      expect(totals.resets).toBe(0);
    }
    await subject.running.stop();
  }, 300_000);
});
