import { pause } from '../deadline.ts';
import type { GuestExit } from '../vmm/index.ts';

/**
 * When a program of our kernel was ready to answer, from its console: "[  0.002798] memcached serves 10.9.0.2/24 on ...".
 * In ns since the kernel's first instruction; undefined as long as there is no such line.
 */
export function servesAfter(console: string): number | undefined {
  const match = /^\[ *(\d+)\.(\d{6})\] \w+ serves /m.exec(console);
  return match ? (Number(match[1]) * 1_000_000 + Number(match[2])) * 1000 : undefined;
}

/** When the devices of our kernel were ready, with or without a program: "main thread after 449 us, devices after 3005 us". */
export function devicesAfter(console: string): number | undefined {
  const match = /\bdevices after (\d+) us/.exec(console);
  return match?.[1] === undefined ? undefined : Number(match[1]) * 1000;
}

/** Waits until the kernel has told how long its start took. Undefined when it ended or stayed silent. */
export async function toldTime(
  guest: { log(): string; readonly exit?: GuestExit | undefined },
  line: (console: string) => number | undefined,
  timeoutMs: number,
): Promise<number | undefined> {
  for (const end = performance.now() + timeoutMs; ; ) {
    const found = line(guest.log());
    if (found !== undefined || guest.exit !== undefined || performance.now() > end) return found;
    await pause(10);
  }
}
