import { z } from 'zod';

const count = z.number().int().nonnegative();

/** What the plugin counts; `repExecutions` and `halts` are included in user, kernel and idle. */
export const countersSchema = z.object({
  /** Instructions outside the idle ranges, in the lower half of the address space. */
  user: count,
  /** Instructions outside the idle ranges, in the upper half. */
  kernel: count,
  /** Instructions inside the idle ranges. */
  idle: count,
  /** Executions of `rep` string instructions outside the idle ranges: one an iteration and one for the closing test. */
  repExecutions: count,
  /** `rep` string instructions begun, whatever their number of iterations. */
  repInstructions: count,
  /** `hlt` instructions, wherever they are. */
  halts: count,
  /** `xchg %bx,%bx` markers. */
  markers: count,
});
export type Counters = z.infer<typeof countersSchema>;

/** One reading: the sum and each vCPU (only the sum with one vCPU). */
export interface CounterReading {
  readonly total: Counters;
  readonly vcpus: readonly Counters[];
}

/** Instructions for each request, from two readings. */
export interface InstructionsPerRequest {
  /** Busy instructions (user + kernel, without the idle ranges; every `rep` iteration counts): the headline. */
  readonly busy: number;
  readonly user: number;
  readonly kernel: number;
  /** Busy instructions with a `rep` instruction counted once. */
  readonly withoutRepIterations: number;
  readonly repIterations: number;
  readonly idle: number;
  readonly halts: number;
}

/**
 * Instructions per request between two readings.
 * @throws RangeError when requests is not positive or a counter went backwards.
 */
export function instructionsPerRequest(
  _before: CounterReading,
  _after: CounterReading,
  _requests: number,
): InstructionsPerRequest {
  throw new Error('not yet');
}
