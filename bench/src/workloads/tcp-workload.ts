import type { Service } from '../subjects/service.ts';
import { type Subject, variantsOf } from '../subjects/subject.ts';
import { type CountedRequests, countLoad } from './counted.ts';
import { LOAD_OVERHEAD_SECONDS, type Load, loadSeconds, measureLoad } from './load.ts';
import type { BootTemplate, Parameters, PlanRequest, Point, Scope, Workload } from './workload.ts';

/** One point of a workload, and from which scope on it is measured: `default` means in default and in full runs. */
export interface PointChoice {
  readonly parameters: Parameters;
  /** Under load, in the default variant and on Linux; with native programs where this is `quick`, but in no quick run. */
  readonly from: Scope;
  /** Under load, in variants other than the default. */
  readonly variantsFrom: Scope;
  /** Counted under TCG, in the default variant; Linux is counted where this is `quick`, but in no quick run. */
  readonly countedFrom: Scope;
}

/** A workload over TCP: one service under several loads, measured and counted. */
export interface TcpWorkload {
  readonly id: string;
  readonly title: string;
  readonly service: Service;
  readonly points: readonly PointChoice[];
  /** Memory of guests, where it is not what every comparison has. */
  readonly memoryBytes?: number;
  load(parameters: Parameters): Load;
  describe(parameters: Parameters): string;
  /** Requests that are counted at a point (default: {@link countedRequests}). */
  counted?(load: Load): number;
}

/** What TCP's figures depend on, in runs that do not measure everything. */
const DIMENSIONS = ['net'];
const SCOPES: readonly Scope[] = ['quick', 'default', 'full'];
const within = (from: Scope, scope: Scope): boolean => SCOPES.indexOf(from) <= SCOPES.indexOf(scope);

/** From where on something is measured that costs time and is wanted for the chief points only. */
const ifInQuick = (from: Scope): Scope => (from === 'quick' ? 'default' : 'full');

/** Enough that the last window, which meets an emptying queue, does not show. */
function countedRequests({ loop }: Load): number {
  const window = loop.kind === 'closed' ? loop.connections * loop.outstanding : loop.maxInFlight;
  return Math.max(10_000, 50 * window);
}

/** Of a stream, what passes until windows and buffers have grown as far as they do. */
const GROWN_BYTES = 4 << 20;

/** The shorter run, whose costs are taken off, has to end as the longer one does. */
function countedRuns({ traffic }: Load, counted: number): CountedRequests {
  const grown = traffic.protocol === 'stream' ? GROWN_BYTES / traffic.messageBytes : 0;
  return { counted, warmUp: Math.ceil(Math.max(counted / 10, grown)) };
}

function templatesOf(workload: TcpWorkload, subject: Subject, request: PlanRequest): BootTemplate[] {
  if (!subject.serves.includes(workload.service.id)) return [];
  const { scope } = request;
  const real = subject.realAccelerator(request.host);
  // Native programs lend buffers both ways: what variants copy is seen in the others.
  const native = !subject.runsPrograms;
  const dimensions = native ? [] : DIMENSIONS;
  const variants = variantsOf(subject, request.variants, scope === 'full' ? undefined : dimensions);
  return variants.flatMap((variant) => {
    const standard = !subject.hasVariants || variant.name === 'default';
    const chosen = (from: (choice: PointChoice) => Scope, seconds: number): Point[] =>
      workload.points
        .filter((choice) => within(from(choice), scope))
        .map(({ parameters }) => ({ parameters, seconds }));
    const common = { workload: workload.id, subject: subject.id, variant };
    const templates: BootTemplate[] = [];
    if (real !== undefined) {
      const from = (choice: PointChoice): Scope => {
        if (native) return ifInQuick(choice.from);
        return standard ? choice.from : choice.variantsFrom;
      };
      const points = chosen(from, loadSeconds(scope));
      templates.push({ ...common, accelerator: real, points, overheadSeconds: LOAD_OVERHEAD_SECONDS });
    }
    if (subject.exactAccelerator !== undefined) {
      const from = ({ countedFrom, variantsFrom }: PointChoice): Scope => {
        // Linux starts slowly under TCG, and what it executes changes with Debian alone.
        if (!subject.hasVariants || native) return ifInQuick(countedFrom);
        // A variant's counts explain what differs under load.
        return standard || within(variantsFrom, scope) ? countedFrom : 'full';
      };
      templates.push({
        ...common,
        accelerator: subject.exactAccelerator,
        points: chosen(from, subject.hasVariants ? 1 : 2.5),
        overheadSeconds: subject.hasVariants ? 2 : 5,
      });
    }
    return templates.filter(({ points }) => points.length > 0);
  });
}

/** Makes a workload of its description. */
export function tcpWorkload(workload: TcpWorkload): Workload {
  const { id, title, service } = workload;
  const loadOf = ({ parameters }: Point): Load => workload.load(parameters);
  const describe = ({ parameters }: Point): string => workload.describe(parameters);
  const count = workload.counted ?? countedRequests;
  const shape = workload.memoryBytes === undefined ? {} : { memoryBytes: workload.memoryBytes };
  return {
    id,
    title,
    service,
    plan: (request) => request.subjects.flatMap((subject) => templatesOf(workload, subject, request)),
    run: (context) =>
      context.plan.accelerator === 'tcg'
        ? countLoad(context, loadOf, describe, (load) => countedRuns(load, count(load)), shape)
        : measureLoad(context, loadOf, describe, shape),
  };
}

/** The product of values by parameter: all combinations. */
export function combinations(values: Readonly<Record<string, readonly (string | number | boolean)[]>>): Parameters[] {
  return Object.entries(values).reduce<Parameters[]>(
    (done, [name, choices]) => done.flatMap((before) => choices.map((choice) => ({ ...before, [name]: choice }))),
    [{}],
  );
}

/** Points of a full run, some of which are in smaller runs too: those that a choice names are taken from there. */
export function pointsOf(choices: readonly PointChoice[], full: readonly Parameters[]): PointChoice[] {
  const key = (parameters: Parameters): string => JSON.stringify(Object.entries(parameters).sort());
  const named = new Set(choices.map(({ parameters }) => key(parameters)));
  return [
    ...choices,
    ...full
      .filter((parameters) => !named.has(key(parameters)))
      .map((parameters): PointChoice => ({ parameters, from: 'full', variantsFrom: 'full', countedFrom: 'full' })),
  ];
}
