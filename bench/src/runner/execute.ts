import type { DatasetWriter, Failure } from '@plumbline/datasets';
import { DatasetWriteError } from '@plumbline/datasets';
import { messageOf } from '../errors.ts';
import {
  findSubject,
  type GeneratorPool,
  MEMCACHED_UDP,
  type PreparedSubject,
  type Service,
  type Subject,
  SubjectFailure,
  type SubjectIdentity,
} from '../subjects/index.ts';
import { type Cores, Resources } from '../vmm/index.ts';
import { HostWatch } from '../workloads/host-state.ts';
import { type BootContext, type BootPlan, findWorkload, type Scope } from '../workloads/index.ts';
import { derivedSeed } from '../workloads/random.ts';
import { provenanceOf, type RunCircumstances } from './provenance.ts';
import { BootRecorder } from './recorder.ts';

/** The machine that guests get in a comparison: what Linux needs, for both. */
const MEMORY_BYTES = 256 << 20;
/** Deadline for the first answer. Linux takes two seconds under TCG on a quiet host. */
const ANSWER_MS = { kvm: 10_000, kvm_pvm: 10_000, tcg: 60_000, none: 10_000 } as const;

/** What all boots of a run need. */
export interface Execution {
  readonly run: string;
  readonly seed: number;
  readonly scope: Scope;
  readonly cores: Cores;
  readonly generators?: GeneratorPool;
  readonly resources: Resources;
  readonly writer: DatasetWriter;
  /** Complete once the generator is built. */
  circumstances: RunCircumstances;
  /** Keys of the points that are done; grows. */
  readonly done: Set<string>;
  readonly signal?: AbortSignal;
}

/** A subject in a variant, with what it serves, ready to boot, or why it cannot be. */
export type Preparation =
  | { readonly subject: Subject; readonly prepared: PreparedSubject }
  | { readonly subject: Subject; readonly obstacle: string };

const UNAVAILABLE: SubjectIdentity = { kernelBuildId: 'unavailable', imageBuildId: 'unavailable', packages: {} };

/** What a subject is prepared to serve; for workloads without a service what it is prepared for anyway. */
function serviceOf(workload: string): Service {
  return findWorkload(workload).service ?? MEMCACHED_UDP;
}

/** Names what must be prepared once: a subject in a variant with what it serves. */
export function preparationKey({
  workload,
  subject,
  variant,
}: Pick<BootPlan, 'workload' | 'subject' | 'variant'>): string {
  return `${subject} ${variant.name} ${serviceOf(workload).id}`;
}

/** Prepares a subject; an obstacle is kept, so that the other subjects are measured all the same. */
export async function prepare(
  plan: Pick<BootPlan, 'workload' | 'subject' | 'variant'>,
  onProgress: (line: string) => void,
  signal?: AbortSignal,
): Promise<Preparation> {
  const subject = findSubject(plan.subject);
  try {
    return { subject, prepared: await subject.prepare(serviceOf(plan.workload), plan.variant, onProgress, signal) };
  } catch (error) {
    if (signal?.aborted) throw error;
    return { subject, obstacle: messageOf(error) };
  }
}

function contextOf(
  execution: Execution,
  plan: BootPlan,
  ready: { subject: Subject; prepared: PreparedSubject },
  recorder: BootRecorder,
  resources: Resources,
  progress: (text: string) => void,
): BootContext {
  const shape = { machine: 'microvm', vcpus: 1, memoryBytes: MEMORY_BYTES } as const;
  const watch = new HostWatch();
  let before = watch.read();
  return {
    plan,
    ...ready,
    scope: execution.scope,
    seed: derivedSeed(
      execution.seed,
      `${plan.workload} ${plan.subject} ${plan.variant.name} ${plan.accelerator} ${plan.index}`,
    ),
    shape,
    bootConfig: (changes = {}) => {
      const own = new Resources();
      resources.defer(() => own.close());
      return {
        accelerator: plan.accelerator,
        variant: plan.variant,
        shape: { ...shape, ...changes },
        cores: execution.cores,
        ...(execution.generators ? { generators: execution.generators } : {}),
        resources: own,
        directory: own.directory(),
        counting: false,
        answerTimeoutMs: ANSWER_MS[plan.accelerator],
        ...(execution.signal ? { signal: execution.signal } : {}),
      };
    },
    record: async (point, figures) => {
      const after = watch.read();
      await recorder.record(
        point,
        figures.map((figure) => ({ before, after, ...figure })),
      );
      before = after;
    },
    fail: (point, reason, text) => recorder.fail(point, reason, text),
    hostState: () => watch.read(),
    progress,
  };
}

/**
 * Makes one boot and measures what is not done of it. A subject that crashes or stays silent is recorded; only what
 * makes recording impossible is thrown.
 * @returns what failed.
 */
export async function executeBoot(
  execution: Execution,
  plan: BootPlan,
  preparation: Preparation,
  progress: (text: string) => void,
): Promise<Failure[]> {
  const identity = 'prepared' in preparation ? preparation.prepared.identity : UNAVAILABLE;
  const provenance = () => provenanceOf(execution.circumstances, plan.accelerator, identity, execution.seed);
  const recorder = new BootRecorder(execution.writer, execution.run, plan, provenance, execution.done);
  const points = plan.points.filter((point) => !recorder.isDone(point));
  if (points.length === 0) return [];
  const failRest = async (reason: string, text: string): Promise<void> => {
    for (const point of points) if (!recorder.isDone(point)) await recorder.fail(point, reason, text);
  };
  if ('obstacle' in preparation) {
    await failRest(preparation.obstacle, '');
    return recorder.failures;
  }
  const resources = new Resources();
  const release = execution.resources.defer(() => resources.close());
  try {
    const remaining = { ...plan, points };
    await findWorkload(plan.workload).run(contextOf(execution, remaining, preparation, recorder, resources, progress));
  } catch (error) {
    if (error instanceof DatasetWriteError || execution.signal?.aborted) throw error;
    await failRest(messageOf(error), error instanceof SubjectFailure ? error.console : '');
  } finally {
    await release();
  }
  return recorder.failures;
}
