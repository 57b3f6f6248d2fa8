import { fetchImagePackages, packagedFile } from '@plumbline/variants';
import { z } from 'zod';
import { BenchError } from '../errors.ts';
import { compileProgram } from '../programs/compile.ts';
import { variantsOf } from '../subjects/subject.ts';
import { runToDone } from './program-output.ts';
import type { BootContext, BootTemplate, PlanRequest, Workload } from './workload.ts';

/** What bench/programs/sqlite-inserts.c prints. */
const resultSchema = z.strictObject({
  rows: z.number().int().positive(),
  times: z.array(z.number().positive()).min(1),
});

const PATH = '/usr/local/bin/sqlite-inserts';
const PACKAGES = ['libsqlite3-0'];
const ROWS = 60_000;
// The least of three still moved by 2 % from boot to boot, on every system: more than they differ by.
const REPETITIONS = 6;
const DEADLINE_MS = 60_000;

function plan(request: PlanRequest): BootTemplate[] {
  return request.subjects.flatMap((subject) => {
    const accelerator = subject.realAccelerator(request.host);
    if (!subject.runsPrograms || accelerator === undefined) return [];
    // It computes and allocates; it waits for nobody and calls rarely.
    return variantsOf(subject, request.variants, request.scope === 'quick' ? [] : ['pages']).map((variant) => ({
      workload: 'sqlite',
      subject: subject.id,
      variant,
      accelerator,
      points: [{ parameters: { rows: ROWS, storage: 'memory' }, seconds: 1.3 }],
      overheadSeconds: 0.5,
    }));
  });
}

async function run(context: BootContext): Promise<void> {
  const { startProgram } = context.prepared;
  if (!startProgram) throw new BenchError(`${context.plan.subject} runs no programs`);
  const { packages } = await fetchImagePackages(PACKAGES, {});
  const program = await compileProgram('sqlite-inserts', [
    packagedFile(packages, '/usr/lib/x86_64-linux-gnu/libsqlite3.so.0'),
  ]);
  for (const point of context.plan.points) {
    const config = context.bootConfig();
    try {
      context.progress(`${ROWS} inserts`);
      const before = context.hostState();
      const running = await startProgram(config, {
        packages: PACKAGES,
        argv: [PATH, String(ROWS), String(REPETITIONS)],
        files: [{ host: program, guest: PATH }],
      });
      const output = await runToDone(running, DEADLINE_MS);
      await running.stop();
      const { times } = resultSchema.parse(JSON.parse(output.trim().split('\n').at(-1) ?? ''));
      // The least of a boot: the host only ever adds to the time of the same computation.
      const value = Math.min(...times);
      await context.record(point, [
        { metric: 'run-time', value, placement: 'none', before, after: context.hostState() },
      ]);
    } finally {
      await config.resources.close();
    }
  }
}

/** 60,000 inserts into a database in memory, one statement each: a program that computes and allocates. */
export const sqlite: Workload = { id: 'sqlite', title: 'SQLite: 60,000 inserts in memory', plan, run };
