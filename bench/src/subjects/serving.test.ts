import { parseVariant } from '@plumbline/variants';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { pause } from '../deadline.ts';
import { buildGenerator } from '../generator/index.ts';
import type { RunOptions, Traffic } from '../generator/protocol.ts';
import { type AcceleratorRequest, chooseAccelerator, chooseCores, type Machine, Resources } from '../vmm/index.ts';
import { startAnswering } from '../workloads/start.ts';
import { findSubject, MEMCACHED_UDP, type PreparedSubject } from './index.ts';

/*
 * Our kernel serves the real generator, which checks every reply byte by byte: on both transports and machines, by
 * polling and by interrupts, with and without the device's features, in little memory. Needs /dev/kvm, and fails without.
 */
const MINUTE = 60_000;

const prepared: Record<string, PreparedSubject> = {};
beforeAll(async () => {
  await buildGenerator();
  for (const id of ['plumbline', 'echo']) {
    prepared[id] = await findSubject(id).prepare(MEMCACHED_UDP, parseVariant('default'), () => {});
  }
}, 600_000);

let resources: Resources;
beforeEach(() => {
  resources = new Resources();
});
afterEach(() => resources.close());

interface Circumstances {
  readonly accel: AcceleratorRequest;
  readonly machine?: Machine;
  readonly memoryMiB?: number;
  /** So many CPUs, each with a queue pair of its own. */
  readonly queues?: number;
  readonly options?: Readonly<Record<string, string>>;
}

async function start(
  id: 'plumbline' | 'echo',
  { accel, machine = 'microvm', memoryMiB = 64, queues = 1, options }: Circumstances,
) {
  const subject = prepared[id];
  if (!subject) throw new Error(`${id} was not prepared`);
  return startAnswering(subject, {
    accelerator: chooseAccelerator(accel).accelerator,
    variant: parseVariant('default'),
    shape: { machine, vcpus: queues, memoryBytes: memoryMiB << 20, queues },
    cores: chooseCores(),
    resources,
    directory: resources.directory(),
    counting: false,
    options: { 'net.queues': String(queues), ...options },
    answerTimeoutMs: 30_000,
  });
}

const load = (traffic: Traffic, window: number, requests: number): RunOptions => ({
  traffic,
  loop: { kind: 'closed', connections: Math.min(4, window), outstanding: Math.ceil(window / 4) },
  limit: { kind: 'requests', requests },
  warmup: { kind: 'none' },
  verify: 'all',
  probe: false,
  // A busy host may keep the guest off its core for a while; that is no loss.
  lossTimeoutMs: 5_000,
  seed: 11,
  timeoutMs: MINUTE,
});

const ECHO: Traffic = { protocol: 'echo', port: 11211, payloadBytes: 700 };
const MIXED: Extract<Traffic, { protocol: 'memcached' }> = {
  protocol: 'memcached',
  port: 11211,
  keyspace: {
    keys: 200,
    keySizes: { kind: 'uniform', minimum: 8, maximum: 60 },
    // Up to three packets a value: replies in several datagrams, sets in IP fragments.
    valueSizes: { kind: 'uniform', minimum: 0, maximum: 4_000 },
    seed: 5,
  },
  popularity: { kind: 'zipf', exponent: 0.99 },
  getShare: 0.8,
};

/** Every request answered, every byte right: at once, one at a time, and after pauses in which the guest halts. */
async function serves(id: 'plumbline' | 'echo', circumstances: Circumstances): Promise<void> {
  const { running, orFailure } = await start(id, circumstances);
  const { keyspace } = MIXED;
  const traffic = id === 'echo' ? ECHO : MIXED;
  if (id === 'plumbline') {
    await orFailure(running.generator.populate({ keyspace, timeoutMs: 30_000, retryMs: 2_000 }));
  }
  for (const [window, requests] of [
    [16, 4_000],
    [1, 200],
    [4, 20],
  ] as const) {
    const { totals, firstBad } = await orFailure(running.generator.run(load(traffic, window, requests)));
    expect({ ...pick(totals), firstBad: firstBad ?? null }).toEqual({
      ...{ replies: requests, lost: 0, bad: 0, duplicates: 0, verified: requests },
      firstBad: null,
    });
    // Long enough for polling to give up and the guest to halt: the next request comes by interrupt.
    await pause(100);
  }
  await running.stop();
}

// Not `unexpected`: the answers to what was asked twice while the guest started.
const pick = (totals: Record<'replies' | 'lost' | 'bad' | 'duplicates' | 'verified', number>) => {
  const { replies, lost, bad, duplicates, verified } = totals;
  return { replies, lost, bad, duplicates, verified };
};

const POLL: Readonly<Record<string, string>> = {};
const INTERRUPTS = { 'net.poll-spins': '0' };
/** Nothing that is optional but the address (bit 5): the generator sends to that one. */
const BARE = { 'virtio.features-mask': '0x20' };
const NO_EVENT_INDEX = { 'virtio.features-mask': '0xffffffffdfffffff' };
const NO_MERGING = { 'virtio.features-mask': '0xffffffffffff7fff' };

const CASES: [string, Omit<Circumstances, 'accel'>][] = [
  ['microvm, polling', { options: POLL }],
  ['microvm, interrupts', { options: INTERRUPTS }],
  ['q35, polling', { machine: 'q35', options: POLL }],
  ['q35, interrupts', { machine: 'q35', options: INTERRUPTS }],
  ['no optional feature of virtio', { options: BARE }],
  ['no event index', { options: NO_EVENT_INDEX }],
  ['no mergeable buffers', { options: NO_MERGING }],
  ['8 MiB of memory', { memoryMiB: 8 }],
  ['rings of 256', { options: { 'net.ring': '256' } }],
  // As many requests as are sent at once do not fit, in fragments.
  ['rings of 64', { options: { 'net.ring': '64' } }],
  ['two CPUs with a queue pair each', { queues: 2 }],
  ['two CPUs with a queue pair each, interrupts', { queues: 2, options: INTERRUPTS }],
];

describe.each(['kvm', 'tcg'] as const)('our kernel on %s answers all, and rightly', (accel) => {
  it.each(CASES)('%s: echo', (_, circumstances) => serves('echo', { accel, ...circumstances }), MINUTE);
  it.each(CASES)('%s: memcached', (_, circumstances) => serves('plumbline', { accel, ...circumstances }), MINUTE);
});
