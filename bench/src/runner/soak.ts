import { BenchError } from '../errors.ts';

/** What went through a soak. */
export interface SoakCounts {
  sent: number;
  replies: number;
  bad: number;
}

/** At rest after the load, other buffers are in use than before it. */
export class BufferLeak extends BenchError {
  constructor(before: number, after: number, counts: SoakCounts) {
    super(
      `${after - before} packet buffers are lost: ${before} were in use at rest before the load, ${after} after ${counts.sent} requests and ${counts.replies} replies.`,
    );
  }
}

/** The line of memcached's `stats` in which our kernel tells how many packet buffers are in use. */
const LINE = /^STAT packet_buffers_in_use (\d+)\r?$/m;

/**
 * The packet buffers in use, from the text of `stats`.
 * @throws BenchError when the guest does not say.
 */
export function bufferCount(stats: string): number {
  const match = LINE.exec(stats);
  if (!match) throw new BenchError('the guest does not tell its packet buffers: "stats" has no packet_buffers_in_use');
  return Number(match[1]);
}
