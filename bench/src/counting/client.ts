import { connect, type Socket } from 'node:net';
import { z } from 'zod';
import { DeadlineError, pause, withDeadline } from '../deadline.ts';
import { BenchError, messageOf } from '../errors.ts';
import { type CounterReading, counterReadingSchema } from './counters.ts';

const marksSchema = z.array(counterReadingSchema);
/** Longest answer that the plugin can give; more is not the plugin. */
const LONGEST_ANSWER = 8 << 20;

interface Waiting {
  readonly resolve: (line: string) => void;
  readonly reject: (error: Error) => void;
}

/** A connection to the counting plugin of one running QEMU. */
export class CountingClient implements AsyncDisposable {
  private readonly socket: Socket;
  private readonly deadlineMs: number;
  private readonly waiting: Waiting[] = [];
  private buffer = '';
  private ended: Error | undefined;

  /** @param socket a connected stream; use {@link connectToCounters} */
  constructor(socket: Socket, deadlineMs: number) {
    this.socket = socket;
    this.deadlineMs = deadlineMs;
    socket.setEncoding('utf8');
    socket.on('data', (chunk: string) => this.receive(chunk));
    socket.on('error', (error) => this.end(error));
    socket.on('close', () => this.end(new BenchError('the counting plugin closed its connection: QEMU has ended')));
  }

  /** Reads all counters. */
  async read(): Promise<CounterReading> {
    return counterReadingSchema.parse(await this.ask('read'));
  }

  /** The readings taken at the guest's `xchg %bx,%bx` markers, oldest first (the last 256). */
  async marks(): Promise<readonly CounterReading[]> {
    return marksSchema.parse(await this.ask('marks'));
  }

  close(): void {
    this.socket.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }

  private async ask(request: string): Promise<unknown> {
    if (this.ended !== undefined) throw this.ended;
    const answer = new Promise<string>((resolve, reject) => this.waiting.push({ resolve, reject }));
    this.socket.write(`${request}\n`);
    return JSON.parse(await withDeadline(answer, this.deadlineMs, `counting plugin, "${request}"`));
  }

  private receive(chunk: string): void {
    this.buffer += chunk;
    for (let end = this.buffer.indexOf('\n'); end >= 0; end = this.buffer.indexOf('\n')) {
      const line = this.buffer.slice(0, end);
      this.buffer = this.buffer.slice(end + 1);
      this.waiting.shift()?.resolve(line);
    }
    if (this.buffer.length > LONGEST_ANSWER) {
      this.end(new BenchError('counting plugin: an answer without an end'));
      this.socket.destroy();
    }
  }

  private end(error: Error): void {
    this.ended ??= error;
    for (const { reject } of this.waiting.splice(0)) reject(this.ended);
  }
}

function connectOnce(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.once('connect', () => resolve(socket));
    socket.once('error', reject);
  });
}

/**
 * Connects to the plugin's socket, retrying until it exists.
 * @param path given to `countingPluginArguments` as `socket`
 * @param deadlineMs milliseconds to wait for the socket, and for each answer
 * @throws DeadlineError when nothing listens there in time
 */
export async function connectToCounters(path: string, deadlineMs = 10_000): Promise<CountingClient> {
  const end = performance.now() + deadlineMs;
  for (;;) {
    try {
      return new CountingClient(await connectOnce(path), deadlineMs);
    } catch (error) {
      if (performance.now() >= end) {
        throw new DeadlineError(`counting plugin at ${path} (${messageOf(error)})`, deadlineMs);
      }
      await pause(20);
    }
  }
}
