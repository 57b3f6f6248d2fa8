import { BenchError } from '../errors.ts';

/** Where the packet buffers of a queue are, as the kernel says when the queue goes to rest. */
export interface BufferCensus {
  readonly queue: number;
  readonly total: number;
  readonly free: number;
  readonly receiving: number;
  readonly sending: number;
  /** At rest nothing may hold a buffer: what is elsewhere is lost. */
  readonly elsewhere: number;
}

const LINE =
  /^\[ *(\d+)\.(\d{6})\] net: queue (\d+) at rest: (\d+) buffers, (\d+) free, (\d+) to receive, (\d+) to send, (\d+) elsewhere$/gm;

/**
 * The youngest census of each queue in a console log.
 * @throws BenchError when the guest has not given one.
 */
export function lastCensus(console: string): BufferCensus[] {
  const byQueue = new Map<number, BufferCensus>();
  for (const match of console.matchAll(LINE)) {
    const [queue = 0, total = 0, free = 0, receiving = 0, sending = 0, elsewhere = 0] = match.slice(3).map(Number);
    byQueue.set(queue, { queue, total, free, receiving, sending, elsewhere });
  }
  if (byQueue.size === 0) throw new BenchError('the guest has not said where its packet buffers are (net.census=on)');
  return [...byQueue.values()];
}

/** Number of censuses in a console log, to tell a new one from an old one. */
export function censusCount(console: string): number {
  return [...console.matchAll(LINE)].length;
}

/** What went through a soak. */
export interface SoakCounts {
  sent: number;
  replies: number;
}

/** At rest after the load, buffers are missing. */
export class BufferLeak extends BenchError {
  constructor(census: BufferCensus, counts: SoakCounts) {
    super(
      `queue ${census.queue}: ${census.elsewhere} of ${census.total} packet buffers are lost after ${counts.sent} requests and ${counts.replies} replies.`,
    );
  }
}
