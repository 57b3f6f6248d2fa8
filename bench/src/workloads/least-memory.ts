/** A search for the least memory. */
export interface LeastMemorySearch {
  /** Whether so many bytes are enough. More is never worse. */
  serves(bytes: number): Promise<boolean>;
  /** Resolution of the answer, bytes. */
  readonly step: number;
  /** Nothing above is tried, bytes. */
  readonly highest: number;
  /** Where an earlier search ended: confirmed with two tries when it still holds. */
  readonly guess?: number;
}

/**
 * The least multiple of `step` that serves: doubling from one step until one serves, then bisection. Every value that
 * is returned has served in this search, and the one a step below it has not.
 * @returns undefined when even `highest` does not serve.
 */
export async function leastMemory(search: LeastMemorySearch): Promise<number | undefined> {
  const { step } = search;
  const highest = Math.floor(search.highest / step);
  // In steps: `fails` is known not to serve (0 bytes never do), `works` is known to serve.
  let fails = 0;
  let works: number | undefined;
  const attempt = async (steps: number): Promise<void> => {
    if (await search.serves(steps * step)) works = steps;
    else fails = steps;
  };
  if (search.guess !== undefined) {
    const guess = Math.min(highest, Math.round(search.guess / step));
    await attempt(guess);
    if (works !== undefined && guess > 1) await attempt(guess - 1);
  }
  while (works === undefined) {
    if (fails >= highest) return undefined;
    // The first try is 8 steps: less would only be in the way of most searches.
    await attempt(Math.min(highest, Math.max(8, fails * 2)));
  }
  while (works - fails > 1) await attempt(Math.floor((works + fails) / 2));
  return works * step;
}
