import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { readSymbols } from '@plumbline/variants';
import { z } from 'zod';
import { BenchError } from '../errors.ts';
import type { QmpClient } from '../vmm/index.ts';

/** The ways of payload through memory, in the order of the kernel's counters (kernel/net/queue_memory.hh, CopyWay). */
export const COPY_WAYS = ['from-program', 'to-device', 'from-device', 'to-program', 'to-make-room'] as const;

/** What was copied on one way. */
export interface CopyCount {
  readonly copies: number;
  readonly bytes: number;
}
export type CopyCounts = Readonly<Record<(typeof COPY_WAYS)[number], CopyCount>>;

/** The kernel's object: for each of so many queue pairs and each way two numbers of 64 bits. */
const SYMBOL = 'plumbline_net_copies';
const QUEUE_PAIRS = 8;
const BYTES = QUEUE_PAIRS * COPY_WAYS.length * 16;

/** Reads the counters as they lie in the guest's memory, summed over its queue pairs. */
export function decodeCopies(memory: Buffer): CopyCounts {
  if (memory.length !== BYTES) throw new BenchError(`${SYMBOL}: ${memory.length} bytes instead of ${BYTES}`);
  const counts = COPY_WAYS.map((way, index) => {
    const count = { copies: 0, bytes: 0 };
    for (let pair = 0; pair < QUEUE_PAIRS; pair += 1) {
      const at = (pair * COPY_WAYS.length + index) * 16;
      count.copies += Number(memory.readBigUInt64LE(at));
      count.bytes += Number(memory.readBigUInt64LE(at + 8));
    }
    return [way, count] as const;
  });
  return Object.fromEntries(counts) as CopyCounts;
}

/**
 * A function that reads the counters of a running guest. QEMU does it (QMP `memsave`): nothing of it runs in the guest.
 * @param elf the guest's kernel, with its symbols
 * @param directory where QEMU may write
 */
export function copyCounters(qmp: QmpClient, elf: string, directory: string): () => Promise<CopyCounts> {
  const symbols = readSymbols(elf, readFileSync(elf), [SYMBOL]);
  // QMP's integers have a sign.
  const address = Number(BigInt.asIntN(64, symbols[SYMBOL] ?? 0n));
  const file = join(directory, 'copies.bin');
  return async () => {
    await qmp.execute('memsave', z.unknown(), { val: address, size: BYTES, filename: file });
    try {
      return decodeCopies(readFileSync(file));
    } finally {
      rmSync(file, { force: true });
    }
  };
}
