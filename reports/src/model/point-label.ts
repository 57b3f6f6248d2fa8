import type { Sample } from '@plumbline/datasets';
import type { Figure } from './figure.ts';

/** Parameters a line in a chart runs along, in order of preference. */
const SWEEPS = ['window', 'rate', 'message'];

/** The parameter along which a workload was swept, with its number; null when it has none. */
export function sweepOf(parameters: Sample['parameters']): { name: string; value: number } | null {
  for (const name of SWEEPS) {
    const value = parameters[name];
    if (typeof value === 'number') return { name, value };
  }
  return null;
}

/** Parameters without the swept one. */
export function withoutSweep(parameters: Sample['parameters']): Sample['parameters'] {
  const sweep = sweepOf(parameters);
  return Object.fromEntries(Object.entries(parameters).filter(([name]) => name !== sweep?.name));
}

/** The names of parameters that differ among figures of one workload: the others need not be repeated. */
export function varyingParameters(figures: readonly Pick<Figure, 'parameters'>[]): string[] {
  const values = new Map<string, Set<string>>();
  for (const { parameters } of figures) {
    for (const [name, value] of Object.entries(parameters)) {
      values.set(name, (values.get(name) ?? new Set()).add(String(value)));
    }
  }
  const absent = (name: string) => figures.some(({ parameters }) => !(name in parameters));
  return [...values.keys()].filter((name) => (values.get(name)?.size ?? 0) > 1 || absent(name)).sort();
}

/** Parameters as text, the swept one first: `window 128, mix etc`. */
export function parametersLabel(parameters: Sample['parameters'], names = Object.keys(parameters)): string {
  const sweep = sweepOf(parameters)?.name;
  return Object.entries(parameters)
    .filter(([name]) => names.includes(name))
    .sort(([a], [b]) => Number(b === sweep) - Number(a === sweep) || (a < b ? -1 : 1))
    .map(([name, value]) => `${name} ${value}`)
    .join(', ');
}

/** Orders parameters as people count: by the sweep's number, then by text. */
export function compareParameters(a: Sample['parameters'], b: Sample['parameters']): number {
  const rest = parametersLabel(withoutSweep(a)).localeCompare(parametersLabel(withoutSweep(b)), 'en');
  return rest || (sweepOf(a)?.value ?? 0) - (sweepOf(b)?.value ?? 0);
}
