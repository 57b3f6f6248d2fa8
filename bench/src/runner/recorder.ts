import { randomUUID } from 'node:crypto';
import {
  type DatasetWriter,
  type Failure,
  METRIC_UNITS,
  type Provenance,
  type Sample,
  SCHEMA_VERSION,
} from '@plumbline/datasets';
import type { BootPlan, Figure, Point } from '../workloads/index.ts';
import { pointKey } from './request.ts';

/** Turns the figures of one boot into records and stores them as they are taken. */
export class BootRecorder {
  private readonly bootId = randomUUID();
  private readonly writer: DatasetWriter;
  private readonly run: string;
  private readonly plan: BootPlan;
  private readonly provenance: () => Provenance;
  private readonly done: Set<string>;
  /** What failed in this boot. */
  readonly failures: Failure[] = [];

  constructor(writer: DatasetWriter, run: string, plan: BootPlan, provenance: () => Provenance, done: Set<string>) {
    this.writer = writer;
    this.run = run;
    this.plan = plan;
    this.provenance = provenance;
    this.done = done;
  }

  private common(point: Point, provenance: Provenance) {
    const { workload, subject, variant, accelerator, index } = this.plan;
    return {
      schema: SCHEMA_VERSION as typeof SCHEMA_VERSION,
      id: randomUUID(),
      run: this.run,
      time: new Date().toISOString(),
      workload,
      parameters: point.parameters,
      subject,
      variant: { name: variant.name, values: variant.values },
      accelerator,
      boot: { index, id: this.bootId },
      provenance: provenance.id,
    };
  }

  private key(point: Point): string {
    return pointKey({ ...this.plan, parameters: point.parameters });
  }

  isDone(point: Point): boolean {
    return this.done.has(this.key(point));
  }

  /** Stores all figures of a point, all or none. */
  async record(point: Point, figures: readonly Figure[]): Promise<void> {
    if (figures.length === 0) return this.fail(point, 'no slice could be used', '');
    const provenance = this.provenance();
    const samples = figures.map((figure): Sample => {
      const { metric, disturbed = false, clientBound = false, ...rest } = figure;
      return {
        kind: 'sample',
        ...this.common(point, provenance),
        metric,
        unit: METRIC_UNITS[metric],
        disturbed,
        clientBound,
        ...rest,
      };
    });
    await this.writer.append(provenance, ...samples);
    this.done.add(this.key(point));
  }

  /** Stores that a point gave nothing, and why. */
  async fail(point: Point, reason: string, console: string): Promise<void> {
    const provenance = this.provenance();
    const failure: Failure = {
      kind: 'failure',
      ...this.common(point, provenance),
      reason,
      ...(console === '' ? {} : { console }),
    };
    await this.writer.append(provenance, failure);
    this.failures.push(failure);
    this.done.add(this.key(point));
  }
}
