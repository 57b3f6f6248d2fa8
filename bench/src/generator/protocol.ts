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

/** UDP: a request is a datagram. TCP: the generator's own stack, on connections that stay open (`connect` and `http` without keep-alive aside). */
export const transportSchema = z.enum(['udp', 'tcp']);
export type Transport = z.infer<typeof transportSchema>;

const keyValue = {
  keyspace: keyspaceSchema,
  popularity: popularitySchema,
  /** Share of gets; the rest are sets. */
  getShare: z.number().min(0).max(1),
};

const echoSchema = z
  .object({
    protocol: z.literal('echo'),
    transport: transportSchema.default('udp'),
    port: port.default(7),
    /** Bytes of payload. UDP: 8 to 1,472, the 8-byte request header included; TCP: 1 to 65,536. */
    payloadBytes: z.number().int().min(1).max(65_536),
  })
  .refine((echo) => echo.transport === 'tcp' || (echo.payloadBytes >= 8 && echo.payloadBytes <= 1472), {
    path: ['payloadBytes'],
    error: 'expected 8 to 1472 over UDP',
  });

/** All but memcached and echo are TCP. TCP needs a generator with segmentation offload (`--tso`). */
export const trafficSchema = z.discriminatedUnion('protocol', [
  /** memcached's text protocol, over UDP with its 8-byte frame header. */
  z.object({
    protocol: z.literal('memcached'),
    transport: transportSchema.default('udp'),
    port: port.default(11211),
    ...keyValue,
  }),
  /** GET and SET by RESP2. */
  z.object({ protocol: z.literal('redis'), port: port.default(6379), ...keyValue }),
  echoSchema,
  /**
   * Bytes in one direction. The client's first line is `SIZE\n` (decimal): to a server on port 9 the bytes that it
   * reads at a time; from one on port 19 the bytes that it writes at a time. A "reply" is a whole message that was
   * acknowledged or received; `bytes` is the figure. Closed loop only; `outstanding` is not looked at.
   */
  z.object({
    protocol: z.literal('stream'),
    port,
    direction: z.enum(['to-server', 'from-server']),
    messageBytes: z.number().int().min(64).max(65_536),
  }),
  /** Opens, sends `payloadBytes` once, waits for their echo, closes. A request is all of that, latency until the echo. */
  z.object({
    protocol: z.literal('connect'),
    port: port.default(7),
    payloadBytes: z.number().int().min(1).max(1448),
  }),
  /** GET of one page. Every body has to have `bodyBytes` bytes and to be the same as the first one. */
  z.object({
    protocol: z.literal('http'),
    port: port.default(80),
    path: z
      .string()
      .regex(/^\/[!-~]*$/)
      .max(1000),
    bodyBytes: z.number().int().min(0).max(16_777_216),
    /** false: `Connection: close`, a connection for each request; latency counts from the opening. */
    keepAlive: z.boolean().default(true),
  }),
]);
/** What a caller writes: the defaults may be left out. */
export type Traffic = z.input<typeof trafficSchema>;

/** Over UDP a connection is a source port, and there are at most 1,024. */
const connections = z.number().int().min(1).max(131_072);

export const loopSchema = z.discriminatedUnion('kind', [
  /** Window = connections x outstanding, at most 65,536 over UDP and 1,048,576 over TCP. Over TCP each connection keeps `outstanding` requests pipelined. */
  z.object({
    kind: z.literal('closed'),
    connections,
    outstanding: z.number().int().min(1).max(4096),
  }),
  /** Latency counts from the intended start. Beyond `maxInFlight` requests wait inside the generator, on the clock. */
  z.object({
    kind: z.literal('open'),
    rate: z.number().positive(),
    arrivals: z.enum(['poisson', 'fixed']),
    connections,
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

/**
 * Sends a request without effect every `intervalUs` until one is answered; may be given before the guest exists.
 * Over TCP it opens connections, one after the other, until the request is answered on one.
 */
export const waitAnswerCommandSchema = z.object({
  command: z.literal('wait-answer'),
  id,
  /**
   * `version` and `get` (of a key nobody sets) speak memcached; `echo` expects its bytes back. Over TCP only: `ping`
   * speaks redis, `http` gets `/` and takes any status line, `connect` is content with an open connection.
   */
  request: z.enum(['version', 'get', 'echo', 'ping', 'http', 'connect']),
  transport: transportSchema.default('udp'),
  port,
  timeoutMs,
  intervalUs: z.number().int().min(10).default(200),
});

/** Sets every key of the keyspace once, with retries, and checks each STORED. */
export const populateCommandSchema = z.object({
  command: z.literal('populate'),
  id,
  protocol: z.enum(['memcached', 'redis']).default('memcached'),
  /** Redis is always asked over TCP. */
  transport: transportSchema.default('udp'),
  /** Default: the protocol's. */
  port: port.optional(),
  keyspace: keyspaceSchema,
  /** Requests on their way; over TCP on one connection. */
  window: z.number().int().min(1).max(256).default(32),
  /** For the whole population. */
  timeoutMs,
  /** For one request before it is sent again; TCP does so itself. */
  retryMs: z.number().positive().default(100),
});

export const runCommandSchema = z.object({
  command: z.literal('run'),
  id,
  traffic: trafficSchema,
  loop: loopSchema,
  /** TCP: the connections' own addresses, so many consecutive ones from --ip on (the server's is passed over), used in turn. */
  sources: z.number().int().min(1).max(250).default(1),
  /** TCP: so many more connections are opened before the run and left idle through it. */
  idleConnections: z.number().int().min(0).max(1_000_000).default(0),
  /**
   * `seconds` counts the time inside measured slices; `requests` sends exactly so many (in one slice if `sliceMs` is 0). A
   * stream ends after so many messages, and those that are on their way then.
   */
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
  /** A request unanswered for so long is lost. Default: 100 over UDP, 2,000 over TCP (which sends again itself). */
  lossTimeoutMs: z.number().positive().optional(),
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

/**
 * Sends one request (retried until answered) and returns the text: memcached's, e.g. `stats\r\n`; or redis's inline
 * command, e.g. `INFO stats\r\n`, of whose reply the bytes are returned as they are.
 */
export const askCommandSchema = z.object({
  command: z.literal('ask'),
  id,
  protocol: z.enum(['memcached', 'redis']).default('memcached'),
  /** Redis is always asked over TCP. */
  transport: transportSchema.default('udp'),
  /** Default: the protocol's. */
  port: port.optional(),
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
  /** TCP: bytes of payload that the server has acknowledged, and that were received from it. */
  bytesSent: count,
  bytesReceived: count,
  /** TCP: connections that were established. */
  opened: count,
  /** TCP: segments that the generator sent again. */
  retransmissions: count,
  /** TCP: connections that ended though nobody wanted it (RST, time-out, FIN from the server). */
  resets: count,
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
  /** `connect` and `http` without keep-alive: from the opening to the handshake's end. */
  connectLatency: latencySchema.nullable(),
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
