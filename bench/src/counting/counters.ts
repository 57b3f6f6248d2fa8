import { z } from 'zod';

const count = z.number().int().nonnegative();

/** What the plugin counts; `repExecutions` and `halts` are included in user, kernel and idle, markers are not. */
export const countersSchema = z.strictObject({
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

/** One reading: the sum over all vCPUs, and each of them. */
export interface CounterReading {
  readonly total: Counters;
  readonly vcpus: readonly Counters[];
}

const zero: Counters = { user: 0, kernel: 0, idle: 0, repExecutions: 0, repInstructions: 0, halts: 0, markers: 0 };
const names = Object.keys(zero) as readonly (keyof Counters)[];

function combine(a: Counters, b: Counters, operation: (x: number, y: number) => number): Counters {
  const result = { ...zero };
  for (const name of names) result[name] = operation(a[name], b[name]);
  return result;
}

/** A reading as the plugin sends it: `{"vcpus":[{...}]}`. */
export const counterReadingSchema = z
  .strictObject({ vcpus: z.array(countersSchema).min(1) })
  .transform(({ vcpus }): CounterReading => ({ vcpus, total: vcpus.reduce((a, b) => combine(a, b, (x, y) => x + y)) }));

/** What was counted between two readings. */
export function countedBetween(before: CounterReading, after: CounterReading): Counters {
  const difference = combine(after.total, before.total, (x, y) => x - y);
  const backwards = names.find((name) => difference[name] < 0);
  if (backwards !== undefined)
    throw new RangeError(`counter ${backwards} went backwards: not two readings of one guest`);
  return difference;
}

/** Instructions for each request, from two readings. */
export interface InstructionsPerRequest {
  /** Busy instructions (user + kernel, without the idle ranges; every `rep` iteration counts): the headline. */
  readonly busy: number;
  readonly user: number;
  readonly kernel: number;
  /** Busy instructions with a `rep` instruction counted once. */
  readonly withoutRepIterations: number;
  /** Executions of `rep` instructions, part of `busy`. */
  readonly repExecutions: number;
  readonly idle: number;
  readonly halts: number;
}

/**
 * Instructions per request between two readings that were taken while the guest was quiet.
 * @param requests number of requests that were answered in between
 * @throws RangeError when requests is not positive or a counter went backwards
 */
export function instructionsPerRequest(
  before: CounterReading,
  after: CounterReading,
  requests: number,
): InstructionsPerRequest {
  if (!(requests > 0)) throw new RangeError(`instructions per request of ${requests} requests`);
  const counted = countedBetween(before, after);
  const busy = counted.user + counted.kernel;
  return {
    busy: busy / requests,
    user: counted.user / requests,
    kernel: counted.kernel / requests,
    withoutRepIterations: (busy - counted.repExecutions + counted.repInstructions) / requests,
    repExecutions: counted.repExecutions / requests,
    idle: counted.idle / requests,
    halts: counted.halts / requests,
  };
}
