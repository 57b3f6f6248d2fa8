import type { Accelerator, HostState, MetricName, Placement, Slice, SubjectId } from '@plumbline/datasets';
import type { Variant } from '@plumbline/variants';
import type { Service } from '../subjects/service.ts';
import type { BootConfig, GuestShape, PreparedSubject, Subject } from '../subjects/subject.ts';
import type { GuestAccelerator } from '../vmm/index.ts';

/** What a point was measured with; part of its identity in every comparison. */
export type Parameters = Record<string, string | number | boolean>;

/** One condition that is measured within a boot. */
export interface Point {
  readonly parameters: Parameters;
  /** Expected seconds, for the plan and the time left. */
  readonly seconds: number;
}

/** What is done in one boot: the unit of execution, of replication and of random order. */
export interface BootPlan {
  readonly workload: string;
  readonly subject: SubjectId;
  readonly variant: Variant;
  readonly accelerator: Accelerator;
  /** Which of the boots of this condition it is, from 0. */
  readonly index: number;
  readonly points: readonly Point[];
  /** Expected seconds for start and end. */
  readonly overheadSeconds: number;
}

/** A plan for every boot of a condition. */
export type BootTemplate = Omit<BootPlan, 'index'>;

/** How much is measured. */
export type Scope = 'quick' | 'default' | 'full';

export interface PlanRequest {
  readonly host: GuestAccelerator;
  readonly subjects: readonly Subject[];
  readonly variants: readonly Variant[];
  readonly scope: Scope;
}

/** One figure of a point. */
export interface Figure {
  readonly metric: MetricName;
  readonly value: number;
  readonly placement: Placement;
  readonly slices?: Slice[];
  readonly histogram?: [number, number][];
  readonly disturbed?: boolean;
  readonly clientBound?: boolean;
  readonly loss?: number;
  readonly serverBusy?: number;
  readonly parts?: Record<string, number>;
  readonly before?: HostState;
  readonly after?: HostState;
}

/** What a workload gets to measure one boot. */
export interface BootContext {
  readonly plan: BootPlan;
  readonly subject: Subject;
  readonly prepared: PreparedSubject;
  readonly scope: Scope;
  /** Seed of this boot; order of points and of requests follow from it. */
  readonly seed: number;
  readonly shape: GuestShape;
  /** Fresh resources and a fresh folder for each start; a workload may start the subject more than once. */
  bootConfig(shape?: Partial<GuestShape>): BootConfig;
  /** Stores all figures of a point at once; afterwards the point is done, also for a resumed run. */
  record(point: Point, figures: readonly Figure[]): Promise<void>;
  /** Stores that a point gave no figure, and why. */
  fail(point: Point, reason: string, console: string): Promise<void>;
  /** Load and steal of the host, since the reading before. Figures without their own get the readings around them. */
  hostState(): HostState;
  progress(text: string): void;
}

/** Something to measure. Adding one is a file with such a declaration, and a line in index.ts. */
export interface Workload {
  readonly id: string;
  readonly title: string;
  /** What subjects serve in it. Those that only start programs of their own have none. */
  readonly service?: Service;
  /** The boots that this workload wants, each repeated by the runner. */
  plan(request: PlanRequest): BootTemplate[];
  /** Measures all points of one boot. What it throws is recorded for the points that are not done. */
  run(context: BootContext): Promise<void>;
}
