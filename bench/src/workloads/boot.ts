import { messageOf } from '../errors.ts';
import type { Keyspace, RunOptions } from '../generator/protocol.ts';
import { SubjectFailure } from '../subjects/failure.ts';
import { servesAfter, toldTime } from '../subjects/ready-line.ts';
import { MEMCACHED_UDP } from '../subjects/service.ts';
import { variantsOf } from '../subjects/subject.ts';
import { leastMemory } from './least-memory.ts';
import { loadMix, memcachedTraffic } from './mix.ts';
import { type AnsweringSubject, startAnswering } from './start.ts';
import { warmPageCache } from './warm-page-cache.ts';
import type { BootContext, BootTemplate, Figure, PlanRequest, Point, Workload } from './workload.ts';

const SHAPE = { machine: 'microvm', vcpus: 1 } as const;

/** How long the line about the guest's own start may take to reach the console after the first answer. */
const CONSOLE_MS = 2_000;

function plan(request: PlanRequest): BootTemplate[] {
  return request.subjects.flatMap((subject) => {
    if (subject.id === 'echo') return [];
    const real = subject.realAccelerator(request.host);
    const accelerators = new Set(
      [real, subject.exactAccelerator].filter((name) => name !== undefined && name !== 'none'),
    );
    return variantsOf(subject, request.variants).flatMap((variant) => {
      // A variant starts like the default: only a full run asks whether that is true.
      if (subject.hasVariants && variant.name !== 'default' && request.scope !== 'full') return [];
      return [...accelerators].map((accelerator): BootTemplate => {
        const seconds = accelerator === 'tcg' ? (subject.hasVariants ? 1 : 3) : 0.5;
        const points: Point[] = [
          { parameters: { measure: 'start', ...SHAPE }, seconds: accelerator === 'tcg' ? seconds : 2 * seconds },
        ];
        const findsMemory = accelerator === real && (subject.id === 'plumbline' || request.scope === 'full');
        if (findsMemory) points.push({ parameters: { measure: 'least-memory', ...SHAPE }, seconds: 4 });
        return { workload: 'boot', subject: subject.id, variant, accelerator, points, overheadSeconds: 1 };
      });
    });
  });
}

/** Starts the subject, looks at it once it has answered, and stops it. */
async function startAndStop<T>(context: BootContext, look: (started: AnsweringSubject) => Promise<T>): Promise<T> {
  const config = context.bootConfig({ ...SHAPE });
  try {
    const started = await startAnswering(context.prepared, config);
    const seen = await look(started);
    await started.running.stop();
    return seen;
  } finally {
    await config.resources.close();
  }
}

async function figuresOf(context: BootContext, { running, answer }: AnsweringSubject): Promise<Figure[]> {
  const figures: Figure[] = [
    { metric: 'boot-time', value: answer.atNs - Number(running.startedNs), placement: 'none' },
  ];
  if (context.subject.hasVariants) {
    const own = await toldTime({ log: () => running.console() }, servesAfter, CONSOLE_MS);
    if (own !== undefined) figures.push({ metric: 'guest-boot-time', value: own, placement: 'none' });
  }
  const { imageBytes } = context.prepared.identity;
  if (imageBytes !== undefined) figures.push({ metric: 'image-size', value: imageBytes, placement: 'none' });
  return figures;
}

async function measureStart(context: BootContext, point: Point): Promise<void> {
  await warmPageCache(context, () => startAndStop(context, async () => {}));
  const before = context.hostState();
  const figures = await startAndStop(context, (started) => figuresOf(context, started));
  const after = context.hostState();
  await context.record(
    point,
    figures.map((figure) => ({ ...figure, before, after })),
  );
}

/** What a subject must do to serve: store so many keys, and answer so many gets of them, each checked byte by byte. */
const KEYS = 100;
const REQUESTS = 1_000;

function requests(keyspace: Keyspace, seed: number): RunOptions {
  return {
    traffic: { ...memcachedTraffic(loadMix('get'), 0), keyspace },
    loop: { kind: 'closed', connections: 4, outstanding: 4 },
    limit: { kind: 'requests', requests: REQUESTS },
    warmup: { kind: 'none' },
    verify: 'all',
    sliceMs: 0,
    probe: false,
    lossTimeoutMs: 1_000,
    seed,
    timeoutMs: 10_000,
  };
}

/** Whether the subject serves with so much memory: it starts, stores a few keys and answers for them. */
async function serves(context: BootContext, memoryBytes: number): Promise<boolean> {
  const config = context.bootConfig({ ...SHAPE, memoryBytes });
  context.progress(`least memory: ${(memoryBytes / 2 ** 20).toFixed(2)} MiB`);
  try {
    const { running, orFailure } = await startAnswering(context.prepared, {
      ...config,
      answerTimeoutMs: config.accelerator === 'tcg' ? 10_000 : 1_500,
    });
    const { keyspace } = memcachedTraffic(loadMix('get'), 0);
    const few = { ...keyspace, keys: KEYS };
    await orFailure(running.generator.populate({ keyspace: few, timeoutMs: 2_000 }));
    const { totals } = await orFailure(running.generator.run(requests(few, context.seed)));
    if (totals.hits !== REQUESTS || totals.bad > 0) {
      throw new SubjectFailure(`${totals.hits} of ${REQUESTS} gets found their value`, running.console());
    }
    await running.stop();
    return true;
  } catch (error) {
    if (error instanceof SubjectFailure) return false;
    throw new Error(`with ${memoryBytes} bytes of memory: ${messageOf(error)}`, { cause: error });
  } finally {
    await config.resources.close();
  }
}

/** What earlier boots of a condition found: the first place to look in the next one. */
const found = new Map<string, number>();

async function measureLeastMemory(context: BootContext, point: Point): Promise<void> {
  const { subject, variant, accelerator } = context.plan;
  const key = JSON.stringify([subject, variant.values, accelerator]);
  const value = await leastMemory({
    serves: (bytes) => serves(context, bytes),
    step: context.subject.hasVariants ? 256 << 10 : 4 << 20,
    highest: context.shape.memoryBytes,
    ...(found.has(key) ? { guess: found.get(key) as number } : {}),
  });
  if (value === undefined) {
    await context.fail(point, `does not serve with ${context.shape.memoryBytes} bytes of memory`, '');
    return;
  }
  found.set(key, value);
  await context.record(point, [{ metric: 'least-memory', value, placement: 'none' }]);
}

async function run(context: BootContext): Promise<void> {
  for (const point of context.plan.points) {
    context.progress(String(point.parameters.measure));
    await (point.parameters.measure === 'least-memory' ? measureLeastMemory : measureStart)(context, point);
  }
}

/** How long a subject takes from the VMM's start to its first answer, and how little it needs. */
export const boot: Workload = {
  id: 'boot',
  title: 'boot: start to first answer, least memory, image size',
  service: MEMCACHED_UDP,
  plan,
  run,
};
