import { pause } from '../deadline.ts';
import type { GuestExit } from '../vmm/index.ts';

/** The kernel's own account of its start, from its console: "boot: ready after N us". In ns; undefined without it. */
export function readyAfter(console: string): number | undefined {
  const match = /boot: ready after (\d+(?:\.\d+)?) us/.exec(console);
  return match?.[1] === undefined ? undefined : Math.round(Number(match[1]) * 1000);
}

/** Waits until the kernel has told how long its start took. Undefined when it ended or stayed silent. */
export async function readyAfterNs(
  guest: { log(): string; readonly exit?: GuestExit | undefined },
  timeoutMs: number,
): Promise<number | undefined> {
  for (const end = performance.now() + timeoutMs; ; ) {
    const found = readyAfter(guest.log());
    if (found !== undefined || guest.exit !== undefined || performance.now() > end) return found;
    await pause(10);
  }
}
