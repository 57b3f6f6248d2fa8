import { z } from 'zod';

/**
 * The version of the record format. A reader refuses records of another version by name, so that a change of
 * meaning can never pass unseen; migrations are written when there is something to migrate.
 */
export const SCHEMA_VERSION = 1;

/** What served the requests. `plumbline-unmodified` is an unmodified Linux program on our kernel. */
export const subjectSchema = z.enum(['plumbline', 'plumbline-unmodified', 'echo', 'linux-host', 'linux-guest']);
export type SubjectId = z.infer<typeof subjectSchema>;

/** How the guest's instructions were executed; `none` for a process of the host. Never mixed in one comparison. */
export const acceleratorSchema = z.enum(['kvm', 'kvm_pvm', 'tcg', 'none']);
export type Accelerator = z.infer<typeof acceleratorSchema>;

/**
 * Where the server's core and the generator's core were relative to each other, by the ping-pong probe: SMT siblings
 * (`near`), one package (`far`), further (`remote`); `mixed` when it changed within the slice, `unknown` when the probe
 * could not run, `none` where placement has no meaning (instruction counts, sizes).
 */
export const placementSchema = z.enum(['near', 'far', 'remote', 'mixed', 'unknown', 'none']);
export type Placement = z.infer<typeof placementSchema>;

/** Metric names with their units: the same in the dataset, in summaries, in targets and in reports. */
export const METRIC_UNITS = {
  throughput: 'requests/s',
  bandwidth: 'bit/s',
  'latency-p50': 'ns',
  'latency-p99': 'ns',
  'latency-p999': 'ns',
  'instructions-per-request': 'instructions',
  'copies-per-request': 'copies',
  'bytes-copied-per-request': 'bytes',
  'boot-time': 'ns',
  'guest-boot-time': 'ns',
  'least-memory': 'bytes',
  'image-size': 'bytes',
  loss: 'ratio',
  'time-per-operation': 'ns',
  'instructions-per-operation': 'instructions',
  'run-time': 'ns',
} as const;
export const metricSchema = z.enum(Object.keys(METRIC_UNITS) as [MetricName, ...MetricName[]]);
export type MetricName = keyof typeof METRIC_UNITS;

const scalarSchema = z.union([z.string(), z.number(), z.boolean()]);

/** A named combination of variant values, e.g. `{name: 'default', values: {sched: 'spinlock', idle: 'poll'}}`. */
export const variantSchema = z.strictObject({ name: z.string().min(1), values: z.record(z.string(), scalarSchema) });
export type VariantRecord = z.infer<typeof variantSchema>;

/** One stretch (about 100 ms) of a measured point, as the generator took it. */
export const sliceSchema = z.strictObject({
  start_ns: z.number().int().nonnegative(),
  duration_ns: z.number().int().positive(),
  placement: placementSchema,
  replies: z.number().int().nonnegative(),
  sent: z.number().int().nonnegative(),
  lost: z.number().int().nonnegative(),
  late: z.number().int().nonnegative(),
  /** Share of the slice that the generator spent with work in hand, in time, 0 to 1. */
  busy: z.number().min(0).max(1),
  /** Share of the host's CPU time that was stolen during the slice, 0 to 1. */
  steal: z.number().min(0).max(1).optional(),
  /** Why the slice is not used, when it is not. */
  discarded: z.string().optional(),
});
export type Slice = z.infer<typeof sliceSchema>;

/** Load average (one minute) and the share of CPU time stolen, read around a sample. */
export const hostStateSchema = z.strictObject({ load: z.number().nonnegative(), steal: z.number().min(0).max(1) });
export type HostState = z.infer<typeof hostStateSchema>;

/** Everything a sample depends on and shares with its neighbours; its id is the hash of its content. */
export const provenanceSchema = z.strictObject({
  kind: z.literal('provenance'),
  schema: z.literal(SCHEMA_VERSION),
  id: z.string().regex(/^[0-9a-f]{64}$/),
  accelerator: acceleratorSchema,
  host: z.strictObject({
    id: z.string(),
    cpuModel: z.string(),
    cpus: z.number().int().positive(),
    memoryBytes: z.number().int().positive(),
    kernel: z.string(),
    virtualisation: z.string(),
  }),
  vmm: z.string(),
  node: z.string(),
  repository: z.strictObject({ revision: z.string(), dirty: z.boolean() }),
  /** GNU build id of the kernel image, or the version of the Linux kernel under test. */
  kernelBuildId: z.string(),
  imageBuildId: z.string(),
  /** Versions of what was under test or took part (packages, generator). */
  packages: z.record(z.string(), z.string()),
  seed: z.number().int().nonnegative(),
});
export type Provenance = z.infer<typeof provenanceSchema>;

/** What every result of a boot says about itself: which run, what was done, with what, in which boot. */
const bootFields = {
  schema: z.literal(SCHEMA_VERSION),
  id: z.string().min(1),
  run: z.string().min(1),
  time: z.iso.datetime(),
  workload: z.string().min(1),
  parameters: z.record(z.string(), scalarSchema),
  subject: subjectSchema,
  variant: variantSchema,
  accelerator: acceleratorSchema,
  boot: z.strictObject({ index: z.number().int().nonnegative(), id: z.string().min(1) }),
  provenance: z.string().regex(/^[0-9a-f]{64}$/),
};

/** One figure of one boot at one point. The boot is the unit of replication: one value a boot, point and placement. */
export const sampleSchema = z.strictObject({
  kind: z.literal('sample'),
  ...bootFields,
  placement: placementSchema,
  metric: metricSchema,
  unit: z.string(),
  value: z.number(),
  slices: z.array(sliceSchema).optional(),
  /** Latency histogram: [value in ns, count], ascending. */
  histogram: z.array(z.tuple([z.number().nonnegative(), z.number().int().positive()])).optional(),
  /** The host disturbed every repetition of this point: shown, never compared. */
  disturbed: z.boolean(),
  /** The generator, not the subject, was the bottleneck: shown, never compared. */
  clientBound: z.boolean(),
  /** Share of the requests that got no answer, 0 to 1. */
  loss: z.number().min(0).max(1).optional(),
  /** Share of its core that the server used, 0 to 1. */
  serverBusy: z.number().min(0).optional(),
  /** Parts of the value, for counts that have them (instructions: user, kernel, idle, rep, hlt). */
  parts: z.record(z.string(), z.number()).optional(),
  before: hostStateSchema.optional(),
  after: hostStateSchema.optional(),
});
export type Sample = z.infer<typeof sampleSchema>;

/** A boot or a point that gave no figure: the guest crashed, did not answer, or the VMM ended. A result, not a gap. */
export const failureSchema = z.strictObject({
  kind: z.literal('failure'),
  ...bootFields,
  reason: z.string().min(1),
  /** The panic text or the last lines of the console. */
  console: z.string().optional(),
});
export type Failure = z.infer<typeof failureSchema>;

/** What a run set out to do and chose, written once at its start. */
export const runSchema = z.strictObject({
  kind: z.literal('run'),
  schema: z.literal(SCHEMA_VERSION),
  run: z.string().min(1),
  time: z.iso.datetime(),
  command: z.array(z.string()),
  seed: z.number().int().nonnegative(),
  quick: z.boolean(),
  /** What was chosen for the user (accelerator, comparison) and why, in sentences. */
  choices: z.array(z.string()),
});
export type RunRecord = z.infer<typeof runSchema>;

export const recordSchema = z.discriminatedUnion('kind', [provenanceSchema, sampleSchema, failureSchema, runSchema]);
export type DatasetRecord = z.infer<typeof recordSchema>;

/** A figure over boots, as `--json` writes it: the names are those of the dataset. */
export const summarySchema = z.strictObject({
  workload: z.string(),
  parameters: z.record(z.string(), scalarSchema),
  subject: subjectSchema,
  variant: variantSchema,
  accelerator: acceleratorSchema,
  placement: placementSchema,
  metric: metricSchema,
  unit: z.string(),
  median: z.number(),
  /** Bounds of the confidence interval over boots; null when there are too few boots for one. */
  low: z.number().nullable(),
  high: z.number().nullable(),
  boots: z.number().int().nonnegative(),
});
export type Summary = z.infer<typeof summarySchema>;
