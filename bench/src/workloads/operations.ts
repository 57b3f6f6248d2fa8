import { z } from 'zod';
import { connectToCounters, countedBetween } from '../counting/index.ts';
import { BenchError } from '../errors.ts';
import { compileProgram } from '../programs/compile.ts';
import { variantsOf } from '../subjects/subject.ts';
import { runToDone } from './program-output.ts';
import type { BootContext, BootTemplate, PlanRequest, Point, Workload } from './workload.ts';

/** What bench/programs/microbenchmarks.c prints. */
const resultSchema = z.strictObject({
  operation: z.string(),
  iterations: z.number().int().positive(),
  batches: z.array(z.number().nonnegative()).min(1),
});

/** An operation of the microbenchmarks, and how often it is done: some 5 ms a batch where it is timed. */
export interface Operation {
  readonly name: string;
  readonly iterations: number;
  /** Where it is counted, far fewer give the same figure. */
  readonly counted: number;
}

/** What these operations depend on. */
const DIMENSIONS = ['sched', 'syscall'];
const PATH = '/usr/local/bin/microbenchmarks';
const BATCHES = 20;
const COUNTED_BATCHES = 5;
const DEADLINE_MS = 120_000;

function plan(id: string, operations: readonly Operation[], request: PlanRequest): BootTemplate[] {
  const points: Point[] = operations.map(({ name }) => ({ parameters: { operation: name }, seconds: 0.2 }));
  return request.subjects.flatMap((subject) => {
    if (!subject.runsPrograms) return [];
    const real = subject.realAccelerator(request.host);
    const accelerators = [real, subject.exactAccelerator].filter((name) => name !== undefined);
    return variantsOf(subject, request.variants, request.scope === 'quick' ? [] : DIMENSIONS).flatMap((variant) =>
      accelerators.map(
        (accelerator): BootTemplate => ({
          workload: id,
          subject: subject.id,
          variant,
          accelerator,
          points,
          overheadSeconds: accelerator === 'tcg' ? (subject.hasVariants ? 0.5 : 3) : 0.3,
        }),
      ),
    );
  });
}

const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2;
};

/** Instructions of each batch: they stand between the first and the second marker, the third and the fourth, ... */
async function countedBatches(socket: string, batches: number): Promise<number[]> {
  const counters = await connectToCounters(socket);
  try {
    const marks = (await counters.marks()).slice(-2 * batches);
    if (marks.length !== 2 * batches) throw new BenchError(`${marks.length} markers instead of ${2 * batches}`);
    return Array.from({ length: batches }, (_, batch) => {
      const [before, after] = [marks[2 * batch], marks[2 * batch + 1]];
      if (before === undefined || after === undefined) throw new BenchError('a marker is missing');
      const counted = countedBetween(before, after);
      return counted.user + counted.kernel;
    });
  } finally {
    counters.close();
  }
}

/** Measures all points in one boot, one after the other. */
async function measure(context: BootContext, operations: readonly Operation[]): Promise<void> {
  const { points, accelerator, workload, subject } = context.plan;
  const exact = accelerator === 'tcg';
  const batches = exact ? COUNTED_BATCHES : BATCHES;
  const asked = points.map((point) => {
    const operation = operations.find(({ name }) => name === point.parameters.operation);
    if (!operation) throw new BenchError(`${workload} has no operation ${String(point.parameters.operation)}`);
    return { point, name: operation.name, iterations: exact ? operation.counted : operation.iterations };
  });
  const config = { ...context.bootConfig(), counting: exact };
  try {
    const { startProgram } = context.prepared;
    if (!startProgram) throw new BenchError(`${subject} runs no programs`);
    const before = context.hostState();
    const words = asked.flatMap(({ name, iterations }) => [name, String(iterations)]);
    const running = await startProgram(config, {
      packages: ['libc6'],
      argv: [PATH, String(batches), ...words, 'stay'],
      files: [{ host: await compileProgram('microbenchmarks'), guest: PATH }],
    });
    const output = await runToDone(running, DEADLINE_MS);
    const results = output
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => resultSchema.parse(JSON.parse(line)));
    const { countingSocket } = running;
    const counted =
      countingSocket === undefined ? undefined : await countedBatches(countingSocket, batches * asked.length);
    await running.stop();
    const after = context.hostState();
    for (const [index, { point, name, iterations }] of asked.entries()) {
      const timed = results.find(({ operation }) => operation === name);
      if (!timed) throw new BenchError(`the microbenchmarks say nothing of ${name}`);
      const values = counted?.slice(index * batches, (index + 1) * batches) ?? timed.batches;
      const metric = counted ? ('instructions-per-operation' as const) : ('time-per-operation' as const);
      // The median of the batches: one that the host interrupted says nothing about the operation.
      await context.record(point, [{ metric, value: median(values) / iterations, placement: 'none', before, after }]);
    }
  } finally {
    await config.resources.close();
  }
}

/** A workload of operations of the microbenchmarks: each is timed, and where a subject can, counted. */
export function operationsWorkload(id: string, title: string, operations: readonly Operation[]): Workload {
  return {
    id,
    title,
    plan: (request) => plan(id, operations, request),
    run: (context) => measure(context, operations),
  };
}

/** What a call into the kernel costs, and one that needs none. */
export const syscall: Workload = operationsWorkload('syscall', 'system calls: getpid, and the clock without a call', [
  { name: 'getpid', iterations: 50_000, counted: 2_000 },
  { name: 'clock_gettime', iterations: 100_000, counted: 2_000 },
]);

/** What threads cost that wait for each other. */
export const threads: Workload = operationsWorkload('threads', 'threads: waking each other, starting and ending', [
  { name: 'futex-round-trip', iterations: 1_000, counted: 500 },
  { name: 'pipe-round-trip', iterations: 1_000, counted: 500 },
  { name: 'thread-create-join', iterations: 200, counted: 100 },
  { name: 'yield', iterations: 5_000, counted: 500 },
]);
