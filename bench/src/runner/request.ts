import { type Accelerator, type SubjectId, subjectSchema } from '@plumbline/datasets';
import { z } from 'zod';

/** Everything that decides what a run measures; kept with the run so that it can be resumed. */
export const runRequestSchema = z.strictObject({
  workloads: z.array(z.string()).min(1),
  subjects: z.array(subjectSchema).min(1),
  /** Variants as users write them. */
  variants: z.array(z.string()).min(1),
  boots: z.int().min(1).max(1000),
  accelerator: z.enum(['auto', 'kvm', 'tcg']),
  scope: z.enum(['quick', 'default', 'full']),
  seed: z.int().min(0).max(0xffffffff),
  /** Measure nothing but these points. */
  only: z
    .array(
      z.object({
        workload: z.string(),
        subject: subjectSchema,
        variant: z.string(),
        parameters: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
      }),
    )
    .optional(),
});
export type RunRequest = z.infer<typeof runRequestSchema>;

/** A run under way or finished. */
export const runStateSchema = z.strictObject({
  version: z.literal(1),
  run: z.string().min(1),
  /** The command that began it; only runs of `bench` are resumed. */
  command: z.enum(['bench', 'targets']),
  request: runRequestSchema,
  /** The dataset file, absolute. */
  dataset: z.string().min(1),
  started: z.iso.datetime(),
  finished: z.boolean(),
});
export type RunState = z.infer<typeof runStateSchema>;

/** Identity of a point of a boot across interruptions. */
export function pointKey(of: {
  readonly workload: string;
  readonly subject: SubjectId;
  readonly variant: { readonly name: string };
  readonly accelerator: Accelerator;
  readonly index: number;
  readonly parameters: Readonly<Record<string, unknown>>;
}): string {
  const parameters = Object.entries(of.parameters).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([of.workload, of.subject, of.variant.name, of.accelerator, of.index, parameters]);
}
