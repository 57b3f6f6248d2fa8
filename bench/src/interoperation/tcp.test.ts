import { buildKernel, parseVariant } from '@plumbline/variants';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { chooseAccelerator, Resources } from '../vmm/index.ts';
import { FEW_POINTS } from './points.ts';
import { startWire, type Wire } from './wire.ts';

// These need root or user namespaces, /dev/net/tun and a kernel with bridges; without they fail with the reason.
const SECONDS = 10;
/** A tenth of the segments lost makes time-outs of seconds; twenty times the usual time is a connection that stands still. */
const DEADLINE_MS = 200_000;

const resources = new Resources();
let wire: Wire;
beforeAll(async () => {
  const variant = parseVariant('default');
  wire = await startWire(await buildKernel(variant.values), variant, chooseAccelerator('auto').accelerator, resources);
}, 600_000);
afterAll(() => resources.close());

it.each(FEW_POINTS.map((point, index) => [point.name, point, index] as const))(
  "our TCP and Linux's over a wire that is bad: %s",
  async (_, point, index) => {
    const passed = await wire.transfer(point, SECONDS, 1 + 2 * index, DEADLINE_MS);
    expect(passed.toGuest).toBeGreaterThanOrEqual(point.leastBytes);
    expect(passed.fromGuest).toBeGreaterThanOrEqual(point.leastBytes);
    expect(passed.impossible).toEqual([]);
  },
  DEADLINE_MS + 100_000,
);
