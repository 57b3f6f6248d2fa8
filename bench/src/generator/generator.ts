import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { generatorBinary } from './location.ts';
import {
  type AnsweredEvent,
  type AskOptions,
  type Command,
  commandSchema,
  eventSchema,
  type GeneratorEvent,
  type PopulatedEvent,
  type PopulateOptions,
  type ReadyEvent,
  type RunOptions,
  type RunResult,
  type Slice,
  type WaitAnswerOptions,
} from './protocol.ts';

/** How to start a generator. */
export interface GeneratorOptions {
  /** `vhost:SOCKET` (QEMU connects to it) or `packet:INTERFACE` (in the network namespace the process starts in). */
  device: `vhost:${string}` | `packet:${string}`;
  /** The core it polls on. */
  core: number;
  /** The server's core; without it placements are `unknown`. */
  probeCore?: number;
  ip?: string;
  mac?: string;
  peerIp?: string;
  peerMac?: string;
  /** Shares of the sent packets that are dropped, and cut short, on the way to the server (for soaks). */
  damage?: { readonly drop: number; readonly cut: number; readonly seed: number };
  /** Queue pairs offered to the guest (vhost only, 1 to 16, default 1); a source port keeps to one of them. */
  queues?: number;
  /** TCP is spoken (`transport: 'tcp'`, redis, ...), with segmentation and checksum offload to the other end. Default: no. */
  tso?: boolean;
  /** Put in front of the program, e.g. `['ip', 'netns', 'exec', 'client']` or `['nsenter', ...]`. */
  prefix?: readonly string[];
  /** The program; default: where the build puts it. */
  binary?: string;
  /** Time from start to `listening`. Default 15 s. */
  startTimeoutMs?: number;
}

type EventOf<Name extends GeneratorEvent['event']> = Extract<GeneratorEvent, { event: Name }>;

/** What the generator said about a command that failed, or about its own end. Its log's last lines are in the message. */
export class GeneratorError extends Error {
  /** The protocol's code, `ended` (the process ended), `deadline` (it did not answer) or `protocol` (it said nonsense). */
  readonly code: EventOf<'error'>['code'] | 'ended' | 'deadline' | 'protocol';

  constructor(code: GeneratorError['code'], message: string, log: readonly string[]) {
    super(log.length > 0 ? `${message}\nthe generator's log ends with:\n  ${log.join('\n  ')}` : message);
    this.name = 'GeneratorError';
    this.code = code;
  }
}

interface Waiting {
  accept: (event: GeneratorEvent) => boolean;
  resolve: (event: GeneratorEvent) => void;
  reject: (error: Error) => void;
}

const logLinesKept = 20;
/** The generator ends commands by their own time-outs; its answer may take a little longer than that. */
const graceMs = 5_000;

/**
 * A running load generator. Commands go one at a time; each waits with a deadline. The process dies with this one
 * (`setpriv --pdeathsig KILL`), and `stop()` ends it in order.
 */
export class Generator {
  readonly ready: ReadyEvent;
  private readonly link: GeneratorLink;

  private constructor(link: GeneratorLink, ready: ReadyEvent) {
    this.link = link;
    this.ready = ready;
  }

  /**
   * Starts the process and waits until a guest may be started (`listening`: for vhost that takes a second).
   * @throws GeneratorError with the last lines of the log when it does not come up.
   */
  static async start(options: GeneratorOptions): Promise<Generator> {
    const link = new GeneratorLink(argumentsFor(options));
    try {
      const timeoutMs = options.startTimeoutMs ?? 15_000;
      const ready = link.expect('ready', timeoutMs, 'start of the generator');
      const listening = link.expect('listening', timeoutMs, 'start of the generator');
      const [first] = await Promise.all([ready, listening]);
      return new Generator(link, first);
    } catch (error) {
      link.signal('SIGKILL');
      await link.ended;
      throw error;
    }
  }

  /** Resolves when the process has ended, whatever the reason. */
  get ended(): Promise<void> {
    return this.link.ended;
  }

  /** Calls back on every event, e.g. for progress (`slice`) or `link`. Returns a function that ends it. */
  onEvent(listener: (event: GeneratorEvent) => void): () => void {
    this.link.listeners.add(listener);
    return () => this.link.listeners.delete(listener);
  }

  /** Asks again and again until the server answers. May be called before the guest is started. */
  async waitAnswer(options: WaitAnswerOptions): Promise<AnsweredEvent> {
    return this.link.request({ command: 'wait-answer', ...options }, 'answered', options.timeoutMs);
  }

  /** Sets every key of the keyspace; resolves when each was confirmed. */
  async populate(options: PopulateOptions): Promise<PopulatedEvent> {
    return this.link.request({ command: 'populate', ...options }, 'populated', options.timeoutMs);
  }

  /** Runs a load. `onSlice` hears of each slice as it ends. */
  async run(options: RunOptions, onSlice?: (slice: Slice) => void): Promise<RunResult> {
    const end = onSlice && this.onEvent((event) => event.event === 'slice' && onSlice(event.slice));
    try {
      return await this.link.request({ command: 'run', ...options }, 'result', options.timeoutMs);
    } finally {
      end?.();
    }
  }

  /** Sends a memcached request, e.g. `stats\r\n`, until it is answered. */
  async ask(options: AskOptions): Promise<string> {
    return (await this.link.request({ command: 'ask', ...options }, 'answer', options.timeoutMs)).text;
  }

  /** Where the two cores are, now. */
  async probe(): Promise<EventOf<'probed'>> {
    return this.link.request({ command: 'probe' }, 'probed', 0);
  }

  /** Counters since the start of the process. */
  async stats(): Promise<EventOf<'stats'>> {
    return this.link.request({ command: 'stats' }, 'stats', 0);
  }

  /** Ends the command that is running: a run resolves with what it has (`stopped: true`), others are rejected. */
  async interrupt(): Promise<void> {
    await this.link.request({ command: 'stop' }, 'stopped', 0);
  }

  /** Takes the process off its core until {@link wake}: it hears and sees nothing meanwhile. */
  rest(): void {
    this.link.signal('SIGSTOP');
  }

  wake(): void {
    this.link.signal('SIGCONT');
  }

  /** Ends the process: asked first, killed when that takes longer than 3 s. Never throws; may be called twice. */
  async stop(): Promise<void> {
    await this.link.quit(3_000);
  }
}

function argumentsFor(options: GeneratorOptions): string[] {
  const program = [...(options.prefix ?? []), options.binary ?? generatorBinary];
  program.push('--device', options.device, '--core', String(options.core));
  const optional: [string, string | number | undefined][] = [
    ['--probe-core', options.probeCore],
    ['--ip', options.ip],
    ['--mac', options.mac],
    ['--peer-ip', options.peerIp],
    ['--peer-mac', options.peerMac],
    ['--queues', options.queues],
    ['--tso', options.tso === undefined ? undefined : options.tso ? 'on' : 'off'],
    ['--damage', options.damage && `${options.damage.drop},${options.damage.cut},${options.damage.seed}`],
  ];
  for (const [name, value] of optional) if (value !== undefined) program.push(name, String(value));
  return program;
}

/** The process and its two streams: sends commands, hands events to who waits for them. */
class GeneratorLink {
  readonly listeners = new Set<(event: GeneratorEvent) => void>();
  readonly ended: Promise<void>;
  private readonly child: ChildProcessByStdio<Writable, Readable, Readable>;
  private readonly waiting = new Set<Waiting>();
  private readonly log: string[] = [];
  private nextId = 1;
  private end: string | undefined;

  constructor(program: readonly string[]) {
    this.child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', ...program], { stdio: ['pipe', 'pipe', 'pipe'] });
    // A command written to a process that has just ended: its end is reported, not the broken pipe.
    this.child.stdin.on('error', () => {});
    createInterface({ input: this.child.stdout }).on('line', (line) => this.hear(line));
    createInterface({ input: this.child.stderr }).on('line', (line) => {
      this.log.push(line);
      if (this.log.length > logLinesKept) this.log.shift();
    });
    this.ended = new Promise((resolve) => {
      const finish = (reason: string) => {
        this.end ??= reason;
        for (const waiting of this.waiting) waiting.reject(this.error('ended', this.end));
        this.waiting.clear();
        resolve();
      };
      this.child.on('error', (error) => finish(`the generator cannot be started: ${error.message}`));
      this.child.on('close', (code, signal) =>
        finish(`the generator has ended (${signal === null ? `exit code ${code}` : signal})`),
      );
    });
  }

  error(code: GeneratorError['code'], message: string): GeneratorError {
    return new GeneratorError(code, message, this.log);
  }

  expect<Name extends GeneratorEvent['event']>(
    name: Name,
    timeoutMs: number,
    what: string,
    id?: number,
  ): Promise<EventOf<Name>> {
    return new Promise((resolve, reject) => {
      if (this.end !== undefined) {
        reject(this.error('ended', this.end));
        return;
      }
      const settle = () => {
        clearTimeout(timer);
        this.waiting.delete(waiting);
      };
      const waiting: Waiting = {
        accept: (event) =>
          (event.event === 'error' && (event.fatal || (id !== undefined && event.id === id))) ||
          (event.event === name && (id === undefined || ('id' in event && event.id === id))),
        resolve: (event) => {
          settle();
          if (event.event === 'error') reject(this.error(event.code, `${what}: ${event.message}`));
          else resolve(event as EventOf<Name>);
        },
        reject: (error) => {
          settle();
          reject(error);
        },
      };
      const timer = setTimeout(
        () => waiting.reject(this.error('deadline', `${what}: the generator did not say '${name}' in ${timeoutMs} ms`)),
        timeoutMs,
      );
      this.waiting.add(waiting);
    });
  }

  async request<Name extends GeneratorEvent['event']>(
    options: { command: Command['command'] } & Record<string, unknown>,
    answer: Name,
    timeoutMs: number,
  ): Promise<EventOf<Name>> {
    const command = commandSchema.parse({ ...options, id: this.nextId++ });
    const event = this.expect(answer, timeoutMs + graceMs, command.command, command.id);
    this.child.stdin.write(`${JSON.stringify(command)}\n`);
    return event;
  }

  signal(name: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): void {
    this.child.kill(name);
  }

  async quit(timeoutMs: number): Promise<void> {
    if (this.end === undefined) {
      this.child.stdin.end(`${JSON.stringify({ command: 'quit', id: this.nextId++ })}\n`);
      const timer = setTimeout(() => this.signal('SIGKILL'), timeoutMs);
      await this.ended;
      clearTimeout(timer);
    }
  }

  private hear(line: string): void {
    let event: GeneratorEvent;
    try {
      event = eventSchema.parse(JSON.parse(line));
    } catch (error) {
      const failure = this.error('protocol', `not an event: ${line.slice(0, 200)}: ${(error as Error).message}`);
      for (const waiting of this.waiting) waiting.reject(failure);
      return;
    }
    for (const listener of this.listeners) listener(event);
    for (const waiting of this.waiting) if (waiting.accept(event)) waiting.resolve(event);
  }
}
