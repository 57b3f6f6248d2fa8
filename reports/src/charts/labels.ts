/** A rectangle in pixels. */
export type Box = { x: number; y: number; width: number; height: number };

/** Where a label may go: its box, and how much less it is wanted there than in the first place. */
export type Candidate = Box & { anchor: 'start' | 'middle' | 'end'; cost: number };

function overlap(a: Box, b: Box): number {
  const width = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
  const height = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
  return width > 0 && height > 0 ? width * height : 0;
}

/** Boxes along a line from a to b, for labels to keep off. */
export function segmentBoxes(a: { x: number; y: number }, b: { x: number; y: number }): Box[] {
  const steps = Math.max(1, Math.ceil(Math.hypot(b.x - a.x, b.y - a.y) / 5));
  return Array.from({ length: steps + 1 }, (_, i) => ({
    x: a.x + ((b.x - a.x) * i) / steps - 2.5,
    y: a.y + ((b.y - a.y) * i) / steps - 2.5,
    width: 5,
    height: 5,
  }));
}

/** The places around a point: right, left, above, below and the corners. */
export function around(x: number, y: number, width: number, height: number, gap: number): Candidate[] {
  const h = height / 2;
  return [
    { x: x + gap, y: y - h, width, height, anchor: 'start', cost: 0 },
    { x: x - gap - width, y: y - h, width, height, anchor: 'end', cost: 1 },
    { x: x - width / 2, y: y - gap - height, width, height, anchor: 'middle', cost: 1 },
    { x: x - width / 2, y: y + gap, width, height, anchor: 'middle', cost: 1 },
    { x: x + gap * 0.7, y: y - gap * 0.5 - height, width, height, anchor: 'start', cost: 2 },
    { x: x + gap * 0.7, y: y + gap * 0.5, width, height, anchor: 'start', cost: 2 },
    { x: x - gap * 0.7 - width, y: y - gap * 0.5 - height, width, height, anchor: 'end', cost: 2 },
    { x: x - gap * 0.7 - width, y: y + gap * 0.5, width, height, anchor: 'end', cost: 2 },
  ];
}

/**
 * Picks the candidate that covers least of what is there already, and adds it to that.
 *
 * @param within labels must stay inside of it
 * @param obstacles what is drawn; the chosen box is appended
 * @param most of its area that a label may cover before it is left out (0 to 1)
 */
export function placeLabel(
  candidates: readonly Candidate[],
  within: Box,
  obstacles: Box[],
  most = 1,
): Candidate | null {
  let best: { candidate: Candidate; penalty: number } | null = null;
  for (const candidate of candidates) {
    const outside =
      candidate.x < within.x ||
      candidate.y < within.y ||
      candidate.x + candidate.width > within.x + within.width ||
      candidate.y + candidate.height > within.y + within.height;
    if (outside) continue;
    const covered = obstacles.reduce((sum, box) => sum + overlap(candidate, box), 0);
    if (covered > most * candidate.width * candidate.height) continue;
    const penalty = covered + candidate.cost * 4;
    if (best === null || penalty < best.penalty) best = { candidate, penalty };
  }
  if (best === null) return null;
  obstacles.push(best.candidate);
  return best.candidate;
}
