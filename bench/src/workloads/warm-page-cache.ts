import type { BootContext } from './workload.ts';

/**
 * Starts a subject once before its start is measured, so that what it reads (images, programs, QEMU itself) is in the page
 * cache. Hosts that reclaim idle memory proactively (DAMON, memory.reclaim) drop files that have not been read for some
 * seconds: without this the figure is the disk's, and depends on what ran between two boots. Not under TCG, where starts
 * take seconds and are no figure of their own.
 * @param start starts the subject and ends it again
 */
export async function warmPageCache(context: BootContext, start: () => Promise<void>): Promise<void> {
  if (context.plan.accelerator === 'tcg') return;
  await start();
}
