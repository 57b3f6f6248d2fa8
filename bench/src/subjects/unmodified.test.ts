import { parseVariant } from '@plumbline/variants';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { buildGenerator } from '../generator/index.ts';
import type { RunOptions } from '../generator/protocol.ts';
import { type AcceleratorRequest, chooseAccelerator, chooseCores, Resources } from '../vmm/index.ts';
import { loadMix, memcachedTraffic } from '../workloads/mix.ts';
import { startAnswering } from '../workloads/start.ts';
import { findSubject, MEMCACHED_UDP, type PreparedSubject } from './index.ts';

/*
 * Debian's memcached, unmodified, on our kernel serves the real generator, which checks every reply byte by byte; with
 * one worker thread and with four. Needs /dev/kvm, and fails without.
 */
let prepared: PreparedSubject;
beforeAll(async () => {
  await buildGenerator();
  prepared = await findSubject('plumbline-unmodified').prepare(MEMCACHED_UDP, parseVariant('default'), () => {});
}, 600_000);

let resources: Resources;
beforeEach(() => {
  resources = new Resources();
});
afterEach(() => resources.close());

const requests = (mix: string, count: number): RunOptions => ({
  traffic: memcachedTraffic(loadMix(mix), 0),
  loop: { kind: 'closed', connections: 4, outstanding: 4 },
  limit: { kind: 'requests', requests: count },
  warmup: { kind: 'none' },
  verify: 'all',
  probe: false,
  lossTimeoutMs: 5_000,
  seed: 11,
  timeoutMs: 60_000,
});

describe.each<[AcceleratorRequest, number]>([
  ['kvm', 20_000],
  ['tcg', 2_000],
])('unmodified memcached under %s', (accelerator, count) => {
  it.each([1, 4])(
    'serves with as many threads as vCPUs: %s',
    async (vcpus) => {
      const { running, orFailure } = await startAnswering(prepared, {
        accelerator: chooseAccelerator(accelerator).accelerator,
        variant: parseVariant('default'),
        shape: { machine: 'microvm', vcpus, memoryBytes: 256 << 20 },
        cores: chooseCores(),
        resources,
        directory: resources.directory(),
        counting: false,
        answerTimeoutMs: 60_000,
      });
      for (const mix of ['get', 'get-set']) {
        // Four vCPUs may share two cores: a tenth will do.
        const asked = vcpus === 1 ? count : count / 10;
        const options = requests(mix, asked);
        const { keyspace } = memcachedTraffic(loadMix(mix), 0);
        await orFailure(running.generator.populate({ keyspace, timeoutMs: 120_000 }));
        const { totals, firstBad } = await orFailure(running.generator.run(options));
        expect(firstBad ?? 'none').toBe('none');
        expect(totals.bad).toBe(0);
        expect(totals.replies).toBe(asked);
      }
      await running.stop();
    },
    300_000,
  );
});
