import { buildKernel, type Variant } from '@plumbline/variants';
import { BenchError } from '../errors.ts';
import { closeOnSignal, type GuestAccelerator, Resources } from '../vmm/index.ts';
import { ALL_POINTS } from './points.ts';
import { startWire } from './wire.ts';

const SECONDS = 60;
/** A gibibyte each way at 10 MB/s, or 256 KiB where every tenth segment of a long path is lost. */
const DEADLINE_MS = 600_000;

/**
 * Transfers at every point, a minute each.
 * @returns the exit status: 0 when every byte arrived as it was sent, and no frame was malformed or impossible
 * @throws EnvironmentError when namespaces or taps are not permitted, BenchError at the first point that fails
 */
export async function soakTcp(
  variant: Variant,
  accelerator: GuestAccelerator,
  seed: number,
  say: (line: string) => void,
): Promise<number> {
  const resources = new Resources();
  const offSignals = closeOnSignal(resources, (signal) => say(`${signal}: stopping the guest`));
  try {
    const wire = await startWire(await buildKernel(variant.values), variant, accelerator, resources);
    for (const [index, point] of ALL_POINTS.entries()) {
      const passed = await wire.transfer(point, SECONDS, seed + 2 * index, DEADLINE_MS);
      const mebibytes = (bytes: number) => `${(bytes / 2 ** 20).toFixed(1)} MiB`;
      say(
        `${index + 1} of ${ALL_POINTS.length}, ${point.name}: ${mebibytes(passed.toGuest)} to the guest, ${mebibytes(passed.fromGuest)} from it, all equal`,
      );
      if (passed.impossible !== undefined && passed.impossible.length > 0) {
        throw new BenchError(`${point.name}: frames that cannot be:\n${passed.impossible.slice(0, 20).join('\n')}`);
      }
    }
    return 0;
  } finally {
    offSignals();
    await resources.close();
  }
}
