import { type ScaleContinuousNumeric, scaleLinear, scaleLog } from 'd3';
import type { Group } from './frame.ts';
import { textWidth } from './frame.ts';

export type Scale = ScaleContinuousNumeric<number, number>;

/** A logarithmic scale over positive values, with room at both ends; a single value gets a decade around it. */
export function logScale(values: readonly number[], range: [number, number], room = 1.15): Scale {
  const positive = values.filter((value) => value > 0 && Number.isFinite(value));
  const low = positive.length === 0 ? 1 : Math.min(...positive);
  const high = positive.length === 0 ? 10 : Math.max(...positive);
  const spread = high / low < 1.5 ? 1.6 : room;
  return scaleLog()
    .domain([low / spread, high * spread])
    .range(range);
}

/** A linear scale from zero. */
export function zeroScale(values: readonly number[], range: [number, number], room = 1.05): Scale {
  const high = Math.max(0, ...values.filter(Number.isFinite));
  return scaleLinear()
    .domain([0, high === 0 ? 1 : high * room])
    .range(range);
}

/** Ticks of a logarithmic scale that people read without thinking, from the densest set to the sparsest. */
export function logTickSets(scale: Scale): number[][] {
  const [low = 1, high = 10] = scale.domain();
  const decades = (steps: readonly number[], every: number) => {
    const ticks: number[] = [];
    for (let e = Math.floor(Math.log10(low)); e <= Math.ceil(Math.log10(high)); e += 1) {
      if (e % every !== 0) continue;
      for (const step of steps) {
        const tick = Number((step * 10 ** e).toPrecision(1));
        if (tick >= low * 0.9999 && tick <= high * 1.0001) ticks.push(tick);
      }
    }
    return ticks;
  };
  return [
    decades([1, 2, 3, 4, 5, 6, 8], 1),
    decades([1, 2, 3, 5], 1),
    decades([1, 2, 5], 1),
    decades([1, 3], 1),
    decades([1], 1),
    decades([1], 2),
    decades([1], 3),
  ];
}

/** The densest set of at least two ticks whose numbers do not touch when written along a horizontal axis. */
export function fittingTicks(scale: Scale, sets: readonly number[][], format: (value: number) => string): number[] {
  const fits = (ticks: readonly number[]) =>
    ticks.every((tick, i) => {
      const before = ticks[i - 1];
      if (before === undefined) return true;
      const room = (textWidth(format(before), 11) + textWidth(format(tick), 11)) / 2 + 8;
      return scale(tick) - scale(before) >= room;
    });
  return sets.find((ticks) => ticks.length >= 2 && fits(ticks)) ?? sets.find((ticks) => ticks.length > 0) ?? [];
}

/** The densest set of at least two ticks and at most `most`. */
export function fewTicks(sets: readonly number[][], most: number): number[] {
  return (
    sets.find((ticks) => ticks.length >= 2 && ticks.length <= most) ?? sets.find((ticks) => ticks.length > 0) ?? []
  );
}

/** Ticks at powers of two, for bytes on a logarithmic scale. */
export function binaryTicks(scale: Scale, most: number): number[] {
  const [low = 1, high = 2] = scale.domain();
  for (const every of [1, 2, 3, 4, 5, 10]) {
    const ticks: number[] = [];
    for (let e = Math.ceil(Math.log2(low)); e <= Math.log2(high); e += 1) if (e % every === 0) ticks.push(2 ** e);
    if (ticks.length <= most) return ticks;
  }
  return [];
}

type AxisOptions = {
  ticks: readonly number[];
  format: (value: number) => string;
  /** The other direction's extent, for the grid lines. */
  from: number;
  to: number;
};

/** Vertical grid lines with their numbers below. Numbers that would touch their neighbour are left out. */
export function drawXAxis(root: Group, scale: Scale, { ticks, format, from, to }: AxisOptions): void {
  const axis = root.append('g').attr('class', 'axis');
  let free = Number.NEGATIVE_INFINITY;
  for (const tick of ticks) {
    const x = Math.round(scale(tick)) + 0.5;
    axis.append('line').attr('class', 'grid').attr('x1', x).attr('x2', x).attr('y1', from).attr('y2', to);
    const text = format(tick);
    const half = textWidth(text, 11) / 2;
    if (x - half < free) continue;
    free = x + half + 6;
    const label = axis.append('g').attr('class', 'tick');
    label
      .append('text')
      .attr('class', 'small')
      .attr('x', x)
      .attr('y', to + 16)
      .attr('text-anchor', 'middle')
      .text(text);
  }
}

/** Horizontal grid lines with their numbers at the left. */
export function drawYAxis(root: Group, scale: Scale, { ticks, format, from, to }: AxisOptions): void {
  const axis = root.append('g').attr('class', 'axis');
  for (const tick of ticks) {
    const y = Math.round(scale(tick)) + 0.5;
    axis.append('line').attr('class', 'grid').attr('x1', from).attr('x2', to).attr('y1', y).attr('y2', y);
    const label = axis.append('g').attr('class', 'tick');
    label
      .append('text')
      .attr('class', 'small')
      .attr('x', from - 8)
      .attr('y', y + 4)
      .attr('text-anchor', 'end')
      .text(format(tick));
  }
}
