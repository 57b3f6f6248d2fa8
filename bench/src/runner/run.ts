import { DatasetWriter, type Failure, readDataset, SCHEMA_VERSION } from '@plumbline/datasets';
import { Listr } from 'listr2';
import { BenchError } from '../errors.ts';
import { GeneratorPool, generatorProgram } from '../subjects/index.ts';
import { type AcceleratorChoice, chooseAccelerator, chooseCores, closeOnSignal, Resources } from '../vmm/index.ts';
import type { BootPlan, BootTemplate, Scope } from '../workloads/index.ts';
import { lackingBoots, lastPlacement, leastBoots } from './coverage.ts';
import { type Execution, executeBoot, type Preparation, preparationKey, prepare } from './execute.ts';
import { bootSeconds, planRun, type RunPlan } from './plan.ts';
import { duration, TimeLeft } from './progress.ts';
import { readCircumstances } from './provenance.ts';
import { pointKey, type RunRequest, type RunState } from './request.ts';
import { readDone, saveRun, takeMeasurementLock } from './run-store.ts';

/** What a run ended with. */
export interface RunOutcome {
  readonly state: RunState;
  readonly failures: readonly Failure[];
  readonly choices: readonly string[];
}

/** A run that is about to begin or to go on: its state is made when nothing stands in the way any more. */
export interface RunBeginning {
  readonly request: RunRequest;
  state(): RunState;
}

/** Boots that a condition may get beyond those planned, when the cores were placed differently on the two sides. */
const EXTRA_BOOTS = 10;
/** No extra boot begins that would end later than this after the run's start. */
const EXTRA_UNTIL_SECONDS: Record<Scope, number> = { quick: 270, default: 1_080, full: Number.POSITIVE_INFINITY };

/** A disturbed point is measured again: an extra boot may take so many times what is expected of it. */
const DISTURBED_TOO = 1.5;

/** How a run talks to the user. */
export interface RunTerminal {
  readonly out: NodeJS.WriteStream;
  readonly command: readonly string[];
}

function describe(plan: RunPlan, choice: AcceleratorChoice): string[] {
  const boots = plan.boots.filter((boot) => boot.index === 0).length;
  return [
    `Accelerator: ${choice.reason}.`,
    `Plan: ${boots} conditions, ${plan.boots.length} boots, about ${duration(plan.seconds)}.`,
  ];
}

function nameOf(boot: BootPlan): string {
  return `${boot.workload}: ${boot.subject} ${boot.variant.name} on ${boot.accelerator}, boot ${boot.index + 1}`;
}

/**
 * Measures a run, or the rest of one. Every figure is stored as it is taken; the run can be resumed after whatever ends
 * it. Guests that fail are recorded and the others are measured.
 * @throws BenchError and what the parts throw; nothing that was measured is lost.
 */
export async function measureRun(begin: RunBeginning, terminal: RunTerminal): Promise<RunOutcome> {
  const { request } = begin;
  const choice = chooseAccelerator(request.accelerator);
  const cores = chooseCores();
  const plan = planRun(request, choice.accelerator);
  if (plan.boots.length === 0) {
    throw new BenchError(
      `nothing to measure: none of ${request.subjects.join(', ')} can be measured by ${request.workloads.join(', ')} on ${choice.accelerator}`,
    );
  }
  const say = (line: string): void => void terminal.out.write(`${line}\n`);
  const choices = describe(plan, choice);
  choices.forEach(say);
  const unlock = takeMeasurementLock();
  const resources = new Resources();
  resources.defer(unlock);
  const state = begin.state();
  const controller = new AbortController();
  const offSignals = closeOnSignal(resources, (signal) => {
    controller.abort(new Error(`interrupted by ${signal}`));
    process.stderr.write(
      `\n${signal}: stopping guests. What was measured is kept; continue with: npm run bench -- --resume ${state.run}\n`,
    );
  });
  try {
    const writer = await DatasetWriter.open(state.dataset);
    resources.defer(() => writer.close());
    const done = await readDone(state);
    if (done.size === 0) {
      await writer.append({
        kind: 'run',
        schema: SCHEMA_VERSION,
        run: state.run,
        time: new Date().toISOString(),
        command: [...terminal.command],
        seed: request.seed,
        quick: request.scope === 'quick',
        choices,
      });
    } else {
      say(`Resuming run ${state.run}: ${done.size} points are done.`);
    }
    saveRun(state);
    const generators = new GeneratorPool();
    resources.defer(() => generators.close());
    const execution: Execution = {
      run: state.run,
      seed: request.seed,
      scope: request.scope,
      cores,
      generators,
      resources,
      writer,
      circumstances: readCircumstances(),
      done,
      signal: controller.signal,
    };
    const failures = await measureBoots(execution, plan, request, state, terminal);
    saveRun({ ...state, finished: true });
    return { state, failures, choices };
  } finally {
    offSignals();
    // After a signal its handler ends the process; here we must not run ahead of it.
    await resources.close();
  }
}

async function measureBoots(
  execution: Execution,
  plan: RunPlan,
  request: RunRequest,
  state: RunState,
  terminal: RunTerminal,
): Promise<Failure[]> {
  const preparations = new Map<string, Preparation>();
  const failures: Failure[] = [];
  const interactive = terminal.out.isTTY === true;
  let beganMs = performance.now();
  const tasks = new Listr(
    [
      { title: 'Prepare subjects', task: (_, task) => prepareAll(execution, plan, preparations, task) },
      {
        title: 'Measure',
        task: (_, task) => {
          beganMs = performance.now();
          return measureAll(execution, plan.boots, preparations, failures, task, interactive);
        },
      },
      {
        title: 'Measure again what lacks a common placement of the cores',
        task: (_, task) =>
          extend({ execution, plan, request, state, beganMs }, preparations, failures, task, interactive),
      },
    ],
    { renderer: interactive ? 'default' : 'simple', registerSignalListeners: false, concurrent: false },
  );
  await tasks.run();
  return failures;
}

/** What of a listr2 task the steps use: the line shown beneath its title. */
interface Task {
  output: string;
}

async function prepareAll(
  execution: Execution,
  plan: RunPlan,
  into: Map<string, Preparation>,
  task: Task,
): Promise<void> {
  task.output = 'building the load generator';
  const { id } = await generatorProgram();
  execution.circumstances = readCircumstances(id);
  for (const boot of plan.boots) {
    const key = preparationKey(boot);
    if (into.has(key)) continue;
    task.output = key;
    const show = (line: string): void => {
      task.output = line;
    };
    const preparation = await prepare(boot, show, execution.signal);
    if ('obstacle' in preparation) task.output = `${boot.subject} is left out: ${preparation.obstacle}`;
    into.set(key, preparation);
  }
}

interface Extension {
  readonly execution: Execution;
  readonly plan: RunPlan;
  readonly request: RunRequest;
  readonly state: RunState;
  /** When measuring began, by performance.now(). */
  readonly beganMs: number;
}

/**
 * Adds boots for comparisons in which no placement of the cores has enough boots on both sides, one after the other, each
 * chosen by where the cores are now, within the time that the command promises.
 */
async function extend(
  { execution, plan, request, state, beganMs }: Extension,
  preparations: ReadonlyMap<string, Preparation>,
  failures: Failure[],
  task: Task,
  interactive: boolean,
): Promise<void> {
  const least = leastBoots(request.scope);
  // Fewer boots than a comparison needs are the user's wish.
  if (request.boots < least) return;
  // Statistics are loaded when there is something to judge.
  const { figuresOf } = await import('@plumbline/reports');
  const measurable = plan.templates.filter((template) => {
    const preparation = preparations.get(preparationKey(template));
    return preparation !== undefined && 'prepared' in preparation;
  });
  const most = request.boots + EXTRA_BOOTS;
  for (;;) {
    const { records } = await readDataset(state.dataset);
    const samples = records.filter((record) => record.kind === 'sample').filter(({ run }) => run === state.run);
    const provenance = records.filter((record) => record.kind === 'provenance');
    const lacking = lackingBoots(measurable, figuresOf(samples, provenance), least, lastPlacement(samples));
    if (lacking.length === 0) return;
    const left = EXTRA_UNTIL_SECONDS[request.scope] - (performance.now() - beganMs) / 1000;
    const boot = lacking
      .map(({ template }): BootPlan => ({ ...template, index: nextIndex(template, request.boots, execution.done) }))
      // In turn, so that a condition that gives no usable figure, whatever the reason, holds up no other.
      .sort((a, b) => a.index - b.index)
      .find((candidate) => candidate.index < most && bootSeconds(candidate) * DISTURBED_TOO <= left);
    if (!boot) {
      task.output = `${lacking.length} conditions lack boots in a common placement; the time or number of extra boots is used up. More boots: --boots ${most}`;
      return;
    }
    await measureAll(execution, [boot], preparations, failures, task, interactive);
  }
}

/** The first number of a boot, from those planned on, under which nothing of the condition was measured. */
function nextIndex(template: BootTemplate, planned: number, done: ReadonlySet<string>): number {
  let index = planned;
  const taken = (): boolean =>
    template.points.some(({ parameters }) => done.has(pointKey({ ...template, parameters, index })));
  while (taken()) index += 1;
  return index;
}

async function measureAll(
  execution: Execution,
  planned: readonly BootPlan[],
  preparations: ReadonlyMap<string, Preparation>,
  failures: Failure[],
  task: Task,
  interactive: boolean,
): Promise<void> {
  const isDone = (boot: BootPlan): boolean =>
    boot.points.every(({ parameters }) => execution.done.has(pointKey({ ...boot, parameters })));
  const boots = planned.filter((boot) => !isDone(boot));
  const left = new TimeLeft(boots.reduce((sum, boot) => sum + bootSeconds(boot), 0));
  for (const [number, boot] of boots.entries()) {
    const preparation = preparations.get(preparationKey(boot));
    if (!preparation) throw new BenchError(`${boot.subject} was not prepared`);
    const head = (): string => `[${number + 1}/${boots.length}, ${duration(left.seconds())} left] ${nameOf(boot)}`;
    if (!interactive) task.output = head();
    const failed = await executeBoot(execution, boot, preparation, (text) => {
      if (interactive) task.output = `${head()}: ${text}`;
    });
    left.finish(bootSeconds(boot));
    failures.push(...failed);
    const [first] = failed;
    if (first) task.output = `${nameOf(boot)} FAILED: ${first.reason}\n${first.console ?? ''}`;
  }
}
