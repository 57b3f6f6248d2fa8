import type { Accelerator, SubjectId } from '@plumbline/datasets';
import { defaultValues, isOfPrograms, type Variant } from '@plumbline/variants';
import type { ThreadTimes } from 'perf-hooks-extra';
import type { Generator } from '../generator/index.ts';
import type { AnsweredEvent } from '../generator/protocol.ts';
import type { Cores, GuestAccelerator, Machine, Resources } from '../vmm/index.ts';
import type { CopyCounts } from './copy-counters.ts';
import type { GeneratorPool } from './generator-pool.ts';
import type { RunningProgram, SubjectProgram } from './program.ts';
import type { Service, ServiceId } from './service.ts';

/** The hardware that every guest of a comparison gets alike. */
export interface GuestShape {
  readonly machine: Machine;
  readonly vcpus: number;
  readonly memoryBytes: number;
  /** Queue pairs of the network device (default: 1). */
  readonly queues?: number;
}

/** What distinguishes one boot of a subject from another. */
export interface BootConfig {
  readonly accelerator: Accelerator;
  readonly variant: Variant;
  readonly shape: GuestShape;
  readonly cores: Cores;
  /** Where guests' generators come from (default: one for the boot alone). */
  readonly generators?: GeneratorPool;
  /** Everything the boot opens is closed with these. */
  readonly resources: Resources;
  /** Private folder for sockets and logs. */
  readonly directory: string;
  /** Count instructions: load the counting plugin, listening on a socket in the folder. */
  readonly counting: boolean;
  /** Further boot options for a kernel of ours. */
  readonly options?: Readonly<Record<string, string>>;
  /** Loss and damage on the way to the subject, for soaks. */
  readonly damage?: { readonly drop: number; readonly cut: number; readonly seed: number };
  /** How long the first answer may take. */
  readonly answerTimeoutMs: number;
  readonly signal?: AbortSignal;
}

/** What exactly was under test, for a sample's provenance. */
export interface SubjectIdentity {
  /** GNU build id of our kernel, or the version of the Linux kernel. */
  readonly kernelBuildId: string;
  readonly imageBuildId: string;
  /** Bytes of what is loaded into the machine; undefined for a process of the host. */
  readonly imageBytes?: number;
  readonly packages: Readonly<Record<string, string>>;
}

/** How a subject ended before it was asked to. */
export interface SubjectEnd {
  readonly reason: string;
  /** Panic text, console or output. */
  readonly console: string;
}

/** A subject under way, with the generator connected to it. */
export interface RunningSubject {
  readonly generator: Generator;
  /** CLOCK_MONOTONIC, ns, right before the VMM or the process was started. */
  readonly startedNs: bigint;
  /** The first answer; asked for from before the start, so that its time is exact. Rejects at the time-out. */
  readonly answered: Promise<AnsweredEvent>;
  /** Settles when the subject ended, whoever ended it. */
  readonly ended: Promise<SubjectEnd>;
  /** CPU times of the threads that serve: vCPUs, or the process's threads. */
  serverThreads(): Promise<ThreadTimes[]>;
  /** What it wrote to its console so far. */
  console(): string;
  /** Socket of the counting plugin, when counting. */
  readonly countingSocket?: string;
  /** How often TCP's payload was copied since the start. Only kernels of ours have it. */
  readonly copies?: () => Promise<CopyCounts>;
  stop(): Promise<void>;
}

/** A subject made ready (built, fetched) for a variant; boots any number of times. */
export interface PreparedSubject {
  readonly identity: SubjectIdentity;
  boot(config: BootConfig): Promise<RunningSubject>;
  /**
   * Starts the guest alone under icount, where one instruction takes one ns, and returns the time of its own start in
   * ns, as the guest says it. Only kernels of ours have it.
   */
  startByInstructions?(config: BootConfig, seed: number): Promise<number>;
  /** Starts a program for Linux instead of the service. Subjects that run any program have it. */
  startProgram?(config: BootConfig, program: SubjectProgram): Promise<RunningProgram>;
}

/** What can be measured. Adding one is a file with such a declaration, and a line in index.ts. */
export interface Subject {
  readonly id: SubjectId;
  readonly title: string;
  /** Whether variants of our kernel apply to it. */
  readonly hasVariants: boolean;
  /** The accelerator its real-tier figures are measured with on this host, or undefined and why not. */
  realAccelerator(host: GuestAccelerator): Accelerator | undefined;
  /** Whether it runs programs for Linux besides its server (PreparedSubject.startProgram). */
  readonly runsPrograms?: boolean;
  /** The accelerator that counts its instructions, when it has one. */
  readonly exactAccelerator: 'tcg' | undefined;
  /** What it can serve. */
  readonly serves: readonly ServiceId[];
  /** Builds and fetches what it needs to serve, in a variant. */
  prepare(
    service: Service,
    variant: Variant,
    onProgress: (line: string) => void,
    signal?: AbortSignal,
  ): Promise<PreparedSubject>;
}

/** The name of what has no variants of ours: Debian's build. */
const DEBIAN: Variant = { name: 'debian', values: {} };

/**
 * The variants in which a subject is measured, of those asked for.
 * @param dimensions what matters to the workload: variants that differ from the default in something else show nothing
 * there, and are left out as long as others remain
 */
export function variantsOf(
  subject: Subject,
  asked: readonly Variant[],
  dimensions?: readonly string[],
): readonly Variant[] {
  if (!subject.hasVariants) return [DEBIAN];
  const own = subject.runsPrograms ? asked : asked.filter((variant) => !isOfPrograms(variant));
  if (dimensions === undefined) return own;
  const standard = defaultValues();
  const relevant = own.filter(({ values }) =>
    Object.keys(values).every((name) => values[name] === standard[name] || dimensions.includes(name)),
  );
  return relevant.length > 0 ? relevant : own;
}
