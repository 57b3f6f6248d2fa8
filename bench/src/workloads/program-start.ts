import { BenchError } from '../errors.ts';
import { variantsOf } from '../subjects/subject.ts';
import { runToDone } from './program-output.ts';
import { warmPageCache } from './warm-page-cache.ts';
import type { BootContext, BootTemplate, PlanRequest, Workload } from './workload.ts';

const DEADLINE_MS = 60_000;

function plan(request: PlanRequest): BootTemplate[] {
  return request.subjects.flatMap((subject) => {
    const accelerator = subject.realAccelerator(request.host);
    if (!subject.runsPrograms || accelerator === undefined) return [];
    return variantsOf(subject, request.variants)
      .filter((variant) => !subject.hasVariants || variant.name === 'default' || request.scope === 'full')
      .map((variant) => ({
        workload: 'program-start',
        subject: subject.id,
        variant,
        accelerator,
        points: [{ parameters: { program: 'python3' }, seconds: 0.6 }],
        overheadSeconds: 0.5,
      }));
  });
}

/** Starts it once, and ends it after its first line. Returns how long that took, in nanoseconds. */
async function startOnce(context: BootContext): Promise<number> {
  const { startProgram } = context.prepared;
  if (!startProgram) throw new BenchError(`${context.plan.subject} runs no programs`);
  const config = context.bootConfig();
  try {
    const running = await startProgram(config, {
      packages: ['python3'],
      argv: ['/usr/bin/python3.11', '-c', 'print("done", flush=True)'],
      files: [],
    });
    await runToDone(running, DEADLINE_MS, 1);
    const value = Number(process.hrtime.bigint() - running.startedNs);
    await running.stop();
    return value;
  } finally {
    await config.resources.close();
  }
}

async function run(context: BootContext): Promise<void> {
  for (const point of context.plan.points) {
    context.progress('python3');
    await warmPageCache(context, async () => void (await startOnce(context)));
    const before = context.hostState();
    const value = await startOnce(context);
    await context.record(point, [
      { metric: 'boot-time', value, placement: 'none', before, after: context.hostState() },
    ]);
  }
}

/** How long it takes from the start of the VMM, or of the process, until an interpreter has printed a line. */
export const programStart: Workload = {
  id: 'program-start',
  title: 'start: the first line that python3 prints',
  plan,
  run,
};
