/** What a wire does to the frames that pass it: options of `network_link`, which explains them with `--help`. */
export interface WirePoint {
  readonly name: string;
  readonly conditions: Readonly<Record<string, number>>;
  /** Least that must pass in each direction, in bytes. */
  readonly leastBytes: number;
  /** Whether the wire is recorded and read by tshark. */
  readonly captured: boolean;
}

const LEAST_BYTES = 256 << 10;
const GIBIBYTE = 2 ** 30;
/** Slow enough that a recording of a minute can be read, fast enough that windows grow. */
const CAPTURED_RATE = { 'rate-mbit': 40, queue: 150_000 };

const captured = (name: string, conditions: Readonly<Record<string, number>>): WirePoint => ({
  name,
  conditions: { ...CAPTURED_RATE, ...conditions },
  leastBytes: LEAST_BYTES,
  captured: true,
});

/** One of each kind, for every run of the tests. */
export const FEW_POINTS: readonly WirePoint[] = [
  captured('clean', { 'delay-ms': 1 }),
  captured('0.1 % lost', { loss: 0.001, 'delay-ms': 1 }),
  captured('3 % lost, in bursts', { loss: 0.03, burst: 3, 'delay-ms': 10 }),
  captured('10 % lost', { loss: 0.1, 'delay-ms': 2 }),
  captured('reordered', { reorder: 0.1, 'reorder-ms': 20, 'delay-ms': 10 }),
  captured('duplicated, far away', { duplicate: 0.1, loss: 0.005, 'delay-ms': 100, 'jitter-ms': 5 }),
];

/** Every loss with every delay, reordering, duplication, all of it together; and a gibibyte where little is lost. */
export const ALL_POINTS: readonly WirePoint[] = [
  ...[0, 0.001, 0.01, 0.03, 0.1].flatMap((loss) =>
    [1, 10, 100].map((delay) => captured(`${loss * 100} % lost, ${delay} ms`, { loss, 'delay-ms': delay })),
  ),
  ...[0.01, 0.1, 0.3].map((reorder) =>
    captured(`${reorder * 100} % reordered`, { reorder, 'reorder-ms': 30, 'delay-ms': 10 }),
  ),
  ...[0.01, 0.2].map((duplicate) => captured(`${duplicate * 100} % duplicated`, { duplicate, 'delay-ms': 10 })),
  captured('everything', { loss: 0.02, reorder: 0.05, 'reorder-ms': 20, duplicate: 0.02, 'delay-ms': 20 }),
  // Damaged frames are what tshark must find impossible.
  { ...captured('damaged', { corrupt: 0.02, 'delay-ms': 10 }), captured: false },
  ...[0, 0.001].map((loss) => ({
    name: `a gibibyte, ${loss * 100} % lost`,
    conditions: { loss, 'delay-ms': 1 },
    leastBytes: GIBIBYTE,
    captured: false,
  })),
];
