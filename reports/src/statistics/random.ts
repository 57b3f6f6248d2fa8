/** A source of numbers uniform in [0, 1). */
export type Random = () => number;

/**
 * A seeded source (sfc32, Doty-Humphrey's PractRand): the same seed gives the same numbers on every machine.
 *
 * @param seed any number; its lower 32 bits count
 */
export function seededRandom(seed: number): Random {
  let a = 0x9e3779b9;
  let b = 0x243f6a88;
  let c = seed >>> 0;
  let counter = 1;
  const next = (): number => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum;
    return (sum >>> 0) / 2 ** 32;
  };
  // The first outputs still show the seed.
  for (let i = 0; i < 15; i += 1) next();
  return next;
}
