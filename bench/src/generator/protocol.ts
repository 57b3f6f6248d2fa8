/**
 * The control protocol between the runner and the load generator (`build/generator/plumbline-generator`):
 * one JSON object a line, commands on the generator's standard input, events on its standard output; its log is
 * standard error. Every command carries an `id` that its answering events repeat. One command runs at a time; only
 * `stop` and `quit` are heard while another one runs.
 *
 * Times named `...Ns` without further word are CLOCK_MONOTONIC nanoseconds of the host (they can be compared with
 * `process.hrtime.bigint()`), durations are nanoseconds too. `bench/generator/README.md` explains the accounting.
 */
import { placementSchema } from '@plumbline/datasets';
import { z } from 'zod';

const count = z.number().int().nonnegative();
const nanoseconds = z.number().int().nonnegative();
const port = z.number().int().min(1).max(65535);

/** Where the two cores are, from the round trip of a cache line: near < 90 ns, far < 300 ns, remote above. */
const measuredPlacementSchema = placementSchema.exclude(['none']);

/**
 * How sizes in bytes are drawn. A key's sizes are a function of the seed and its index, so they never change in a run.
 * `generalized-pareto` and `generalized-extreme-value` are the distributions of Atikoglu et al., "Workload Analysis of
 * a Large-Scale Key-Value Store" (SIGMETRICS 2012); `discrete` gives sizes with their own probabilities, the
 * remaining probability goes to the continuous part. Draws are rounded down and clamped to [minimum, maximum].
 */
export const sizesSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('fixed'), bytes: count }),
  z.object({ kind: z.literal('uniform'), minimum: count, maximum: count }),
  z.object({
    kind: z.enum(['generalized-pareto', 'generalized-extreme-value']),
    location: z.number(),
    scale: z.number().positive(),
    shape: z.number(),
    minimum: count,
    maximum: count,
    discrete: z.array(z.tuple([count, z.number().min(0).max(1)])).optional(),
  }),
]);
export type Sizes = z.infer<typeof sizesSchema>;

/** The keys 0..keys-1: their texts, sizes and value bytes all follow from this and nothing else. */
export const keyspaceSchema = z.object({
  keys: z.number().int().min(1).max(16_000_000),
  /** Bytes of the key's text, at most 250, at least the decimal digits of `keys - 1`. */
  keySizes: sizesSchema,
  /** Bytes of the value, at most 60,000 (above 1,400 the request is sent as IP fragments). */
  valueSizes: sizesSchema,
  seed: z
    .number()
    .int()
    .min(0)
    .max(2 ** 32 - 1),
});
export type Keyspace = z.infer<typeof keyspaceSchema>;

/** Which keys are asked for: all alike, or rank r with probability proportional to r^-exponent. */
export const popularitySchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('uniform') }),
  z.object({ kind: z.literal('zipf'), exponent: z.number().positive().max(5) }),
]);

export const trafficSchema = z.discriminatedUnion('protocol', [
  z.object({
    protocol: z.literal('memcached'),
    port: port.default(11211),
    keyspace: keyspaceSchema,
    popularity: popularitySchema,
    /** Share of gets; the rest are sets. */
    getShare: z.number().min(0).max(1),
  }),
  z.object({
    protocol: z.literal('echo'),
    port: port.default(7),
    /** Bytes of UDP payload, the 8-byte request header included. */
    payloadBytes: z.number().int().min(8).max(1472),
  }),
]);
export type Traffic = z.infer<typeof trafficSchema>;

export const loopSchema = z.discriminatedUnion('kind', [
  /** Window = connections x outstanding. A connection is a source port. */
  z.object({
    kind: z.literal('closed'),
    connections: z.number().int().min(1).max(1024),
    outstanding: z.number().int().min(1).max(4096),
  }),
  /** Latency counts from the intended start. Beyond `maxInFlight` requests wait inside the generator, on the clock. */
  z.object({
    kind: z.literal('open'),
    rate: z.number().positive(),
    arrivals: z.enum(['poisson', 'fixed']),
    connections: z.number().int().min(1).max(1024),
    maxInFlight: z.number().int().min(1).max(65536),
  }),
]);
export type Loop = z.infer<typeof loopSchema>;

export const warmupSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('none') }),
  z.object({ kind: z.literal('seconds'), seconds: z.number().positive() }),
  /** Until the rates of two slices of one placement differ by at most `tolerance`; after `maxSeconds` it goes on and says `steady: false`. */
  z.object({
    kind: z.literal('steady'),
    tolerance: z.number().positive().default(0.05),
    maxSeconds: z.number().positive().default(2),
  }),
]);

const id = z.number().int().nonnegative();
const timeoutMs = z.number().positive().max(600_000);

/** Sends a request without effect every `intervalUs` until one is answered; may be given before the guest exists. */
export const waitAnswerCommandSchema = z.object({
  command: z.literal('wait-answer'),
  id,
  /** `version` and `get` (of a key nobody sets) speak memcached; `echo` expects its bytes back. */
  request: z.enum(['version', 'get', 'echo']),
  port,
  timeoutMs,
  intervalUs: z.number().int().min(10).default(200),
});

/** Sets every key of the keyspace once, with retries, and checks each STORED. */
export const populateCommandSchema = z.object({
  command: z.literal('populate'),
  id,
  port: port.default(11211),
  keyspace: keyspaceSchema,
  window: z.number().int().min(1).max(256).default(32),
  /** For the whole population. */
  timeoutMs,
  /** For one request before it is sent again. */
  retryMs: z.number().positive().default(100),
});

export const runCommandSchema = z.object({
  command: z.literal('run'),
  id,
  traffic: trafficSchema,
  loop: loopSchema,
  /** `seconds` counts the time inside measured slices; `requests` sends exactly so many (in one slice if `sliceMs` is 0). */
  limit: z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('seconds'), seconds: z.number().positive() }),
    z.object({ kind: z.literal('requests'), requests: z.number().int().positive() }),
  ]),
  warmup: warmupSchema,
  /** Check every reply byte by byte, one request in 64, or only its kind. */
  verify: z.enum(['all', 'sampled', 'none']).default('sampled'),
  /** Length of a slice; 0: one slice as long as the run. */
  sliceMs: z.number().min(0).default(100),
  /** Ask for the placement of the cores between slices (needs --probe-core). */
  probe: z.boolean().default(true),
  /** A request unanswered for so long is lost. */
  lossTimeoutMs: z.number().positive().default(100),
  /** Time after each pause (probe, start) before the slice begins. Default: 1 closed, 5 open. */
  settleMs: z.number().min(0).optional(),
  seed: z
    .number()
    .int()
    .min(0)
    .max(2 ** 32 - 1),
  /** Ends the run with an error when it takes longer than this altogether. */
  timeoutMs,
});

/** Sends one memcached request (retried until answered) and returns the text, e.g. `stats\r\n`. */
export const askCommandSchema = z.object({
  command: z.literal('ask'),
  id,
  port: port.default(11211),
  request: z.string().min(1).max(1400),
  timeoutMs,
});

/** Placement of the two cores, now. */
export const probeCommandSchema = z.object({ command: z.literal('probe'), id });
/** Counters since the start of the process. */
export const statsCommandSchema = z.object({ command: z.literal('stats'), id });
/** Ends the command that is running; it answers with what it has (`run`: `stopped: true`). */
export const stopCommandSchema = z.object({ command: z.literal('stop'), id });
/** Ends the process. So does the end of standard input. */
export const quitCommandSchema = z.object({ command: z.literal('quit'), id });

export const commandSchema = z.discriminatedUnion('command', [
  waitAnswerCommandSchema,
  populateCommandSchema,
  runCommandSchema,
  askCommandSchema,
  probeCommandSchema,
  statsCommandSchema,
  stopCommandSchema,
  quitCommandSchema,
]);
/** A command as the generator gets it, defaults filled in. */
export type Command = z.infer<typeof commandSchema>;

/** Counters of a slice or of a whole run. Of a whole run: `sent = replies + lost` (it ends drained). */
export const countersSchema = z.object({
  sent: count,
  /** Complete replies in time. In a slice: those that arrived in it. */
  replies: count,
  /** Unanswered at the time-out. In a slice: of the requests sent in it. */
  lost: count,
  /** Of the lost ones, those answered after the time-out. */
  late: count,
  duplicates: count,
  /** Replies that are wrong: an error text, wrong bytes, wrong checksum, wrong form. They count as replies too. */
  bad: count,
  /** Packets that belong to no request of this run. */
  unexpected: count,
  gets: count,
  sets: count,
  hits: count,
  misses: count,
  stored: count,
  /** Replies checked byte by byte. */
  verified: count,
});
export type Counters = z.infer<typeof countersSchema>;

export const sliceSchema = countersSchema.extend({
  index: count,
  phase: z.enum(['warmup', 'measure']),
  startNs: nanoseconds,
  durationNs: nanoseconds,
  placement: measuredPlacementSchema,
  /** Round trip of a cache line before and after the slice; null: not probed or the server's core did not answer. */
  rttBeforeNs: z.number().nullable(),
  rttAfterNs: z.number().nullable(),
  /** Share of the slice's time spent on bursts that were not empty. Above 0.8 the generator is the limit. */
  busyShare: z.number(),
  /** Packets lost inside the generator (kernel packet ring, no buffers). Above 0 the slice is unusable. */
  ownLoss: count,
  /** Sends put off because the peer's ring was full (nothing is lost by it). */
  txFull: count,
  polls: count,
  rxBursts: count,
  largestBurst: count,
  /** Time the generator's thread was not on a CPU, from its CPU clock. */
  offCpuNs: nanoseconds,
  /** Stolen time of the generator's and the server's core by /proc/stat (10 ms steps). */
  stealNs: nanoseconds,
  /** Open loop: the longest time a request waited in the generator after its intended start. */
  longestLagNs: nanoseconds,
});
export type Slice = z.infer<typeof sliceSchema>;

const latencySchema = z.object({
  count,
  minimumNs: z.number(),
  p50Ns: z.number(),
  p99Ns: z.number(),
  p999Ns: z.number(),
  maximumNs: z.number(),
  /** [value in ns, count], ascending; log-linear buckets of three significant digits, value = middle of the bucket. */
  histogram: z.array(z.tuple([z.number(), count])),
});
export type Latency = z.infer<typeof latencySchema>;

/** The measured slices of one placement, together. */
export const placementResultSchema = z.object({
  placement: measuredPlacementSchema,
  slices: count,
  durationNs: nanoseconds,
  sent: count,
  replies: count,
  lost: count,
  late: count,
  /** replies / duration, per second. */
  rate: z.number(),
  busyShare: z.number(),
  latency: latencySchema.nullable(),
});
export type PlacementResult = z.infer<typeof placementResultSchema>;

/** The generator is set up; `listening` follows when a guest may be started (a second later for vhost). */
export const readyEventSchema = z.object({
  event: z.literal('ready'),
  version: z.literal(1),
  pid: z.number().int(),
  device: z.string(),
  core: z.number().int(),
  probeCore: z.number().int().nullable(),
  /** How the probe thread gets the server's core: by real-time priority, by nice level, or not. */
  probeScheduling: z.enum(['fifo', 'nice', 'ordinary', 'none']),
  dpdk: z.string(),
  tscHz: z.number(),
});
export const listeningEventSchema = z.object({ event: z.literal('listening'), atNs: nanoseconds });
export const linkEventSchema = z.object({ event: z.literal('link'), up: z.boolean(), atNs: nanoseconds });
export const answeredEventSchema = z.object({
  event: z.literal('answered'),
  id,
  /** When the first answer was taken from the ring. */
  atNs: nanoseconds,
  attempts: count,
  text: z.string(),
});
export const populatedEventSchema = z.object({
  event: z.literal('populated'),
  id,
  keys: count,
  valueBytes: count,
  retries: count,
  durationNs: nanoseconds,
});
/** A slice has ended (for progress: lost and late ones are final only in the result). */
export const sliceEventSchema = z.object({ event: z.literal('slice'), id, slice: sliceSchema });
export const resultEventSchema = z.object({
  event: z.literal('result'),
  id,
  stopped: z.boolean(),
  steady: z.boolean(),
  warmupNs: nanoseconds,
  totals: countersSchema,
  slices: z.array(sliceSchema),
  placements: z.array(placementResultSchema),
  /** What was wrong with the first bad reply. */
  firstBad: z.string().nullable(),
});
export const answerEventSchema = z.object({ event: z.literal('answer'), id, text: z.string(), retries: count });
export const probedEventSchema = z.object({
  event: z.literal('probed'),
  id,
  placement: measuredPlacementSchema,
  rttNs: z.number().nullable(),
});
export const statsEventSchema = z.object({
  event: z.literal('stats'),
  id,
  received: count,
  transmitted: count,
  arpRequests: count,
  arpReplies: count,
  unexpected: count,
  ownLoss: count,
  linkUps: count,
});
export const stoppedEventSchema = z.object({ event: z.literal('stopped'), id });
/** The command failed; the process lives on unless `fatal`. */
export const errorEventSchema = z.object({
  event: z.literal('error'),
  id: id.nullable(),
  code: z.enum(['bad-command', 'time-out', 'link-down', 'refused', 'set-up', 'stopped', 'internal']),
  message: z.string(),
  fatal: z.boolean(),
});

export const eventSchema = z.discriminatedUnion('event', [
  readyEventSchema,
  listeningEventSchema,
  linkEventSchema,
  answeredEventSchema,
  populatedEventSchema,
  sliceEventSchema,
  resultEventSchema,
  answerEventSchema,
  probedEventSchema,
  statsEventSchema,
  stoppedEventSchema,
  errorEventSchema,
]);
/** Anything the generator says. */
export type GeneratorEvent = z.infer<typeof eventSchema>;
export type RunResult = z.infer<typeof resultEventSchema>;
export type ReadyEvent = z.infer<typeof readyEventSchema>;
export type AnsweredEvent = z.infer<typeof answeredEventSchema>;
export type PopulatedEvent = z.infer<typeof populatedEventSchema>;
/** What a caller writes for `run`: the defaults may be left out. */
export type RunOptions = Omit<z.input<typeof runCommandSchema>, 'command' | 'id'>;
export type PopulateOptions = Omit<z.input<typeof populateCommandSchema>, 'command' | 'id'>;
export type WaitAnswerOptions = Omit<z.input<typeof waitAnswerCommandSchema>, 'command' | 'id'>;
export type AskOptions = Omit<z.input<typeof askCommandSchema>, 'command' | 'id'>;
