import type { Duplex } from 'node:stream';
import { z } from 'zod';
import { withDeadline } from '../deadline.ts';

const greeting = z.object({
  QMP: z.object({
    version: z.object({
      qemu: z.object({ major: z.int(), minor: z.int(), micro: z.int() }),
      package: z.string(),
    }),
  }),
});
const reply = z.object({ return: z.unknown(), id: z.int() });
const failure = z.object({ error: z.object({ class: z.string(), desc: z.string() }), id: z.int().optional() });
const event = z.object({ event: z.string(), data: z.record(z.string(), z.unknown()).default({}) });
const message = z.union([
  greeting,
  failure,
  event,
  reply.refine((value) => 'return' in value, { message: 'neither greeting, reply, error nor event' }),
]);

/** QEMU refused a command. */
export class QmpError extends Error {
  constructor(command: string, description: string) {
    super(`QMP ${command}: ${description}`);
    this.name = 'QmpError';
  }
}

interface Pending {
  readonly command: string;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** No message of QEMU that we ask for comes near this; more means that the peer is not QEMU. */
const LONGEST_MESSAGE = 4 << 20;

/**
 * A client of the QEMU Machine Protocol (QEMU documentation, "QEMU Machine Protocol Specification"): JSON lines, one
 * greeting, capabilities negotiation, then commands with ids, and events at any time.
 */
export class QmpClient {
  private readonly stream: Duplex;
  private readonly pending = new Map<number, Pending>();
  private readonly greeting: Promise<string>;
  private negotiated: Promise<string> | undefined;
  private nextId = 1;
  private buffer = '';
  private ended: Error | undefined;
  private greeted: (version: string) => void = () => {};

  private constructor(stream: Duplex) {
    this.stream = stream;
    this.greeting = new Promise<string>((resolve, reject) => {
      this.greeted = resolve;
      this.pending.set(0, { command: 'greeting', resolve: () => {}, reject });
    });
    this.greeting.catch(() => {});
    stream.setEncoding('utf8');
    stream.on('data', (chunk: string) => this.receive(chunk));
    stream.on('error', (cause) => this.end(new Error('QEMU closed its control connection', { cause })));
    stream.on('close', () => this.end(new Error('QEMU closed its control connection')));
  }

  /**
   * Speaks QMP over a stream that is connected to QEMU. Does not wait, and says nothing before it has something to ask:
   * QEMU reads byte by byte, on the CPU on which its guest boots.
   */
  static over(stream: Duplex): QmpClient {
    return new QmpClient(stream);
  }

  /** Settles when QEMU takes commands, with its version. The first to ask for it negotiates. */
  private get ready(): Promise<string> {
    this.negotiated ??= this.greeting.then(async (version) => {
      await this.send('qmp_capabilities', {});
      return version;
    });
    this.negotiated.catch(() => {});
    return this.negotiated;
  }

  /** QEMU's version, e.g. "7.2.22", known after the greeting. */
  version(timeoutMs = 10_000): Promise<string> {
    return withDeadline(this.ready, timeoutMs, 'QMP greeting');
  }

  /**
   * Executes a command.
   * @param result schema of what QEMU returns.
   * @throws QmpError when QEMU refuses, DeadlineError when it does not answer, Error when it is gone.
   */
  async execute<T>(
    command: string,
    result: z.ZodType<T>,
    parameters: Record<string, unknown> = {},
    timeoutMs = 10_000,
  ): Promise<T> {
    const answer = this.ready.then(() => this.send(command, parameters));
    return result.parse(await withDeadline(answer, timeoutMs, `QMP ${command}`));
  }

  /** Ends the connection; commands under way fail. */
  close(): void {
    this.stream.destroy();
    this.end(new Error('the control connection was closed'));
  }

  private send(command: string, parameters: Record<string, unknown>): Promise<unknown> {
    if (this.ended) return Promise.reject(this.ended);
    const id = this.nextId++;
    return new Promise((resolve, reject) => {
      this.pending.set(id, { command, resolve, reject });
      this.stream.write(`${JSON.stringify({ execute: command, arguments: parameters, id })}\n`);
    });
  }

  private receive(chunk: string): void {
    this.buffer += chunk;
    for (let end = this.buffer.indexOf('\n'); end >= 0; end = this.buffer.indexOf('\n')) {
      const line = this.buffer.slice(0, end).trim();
      this.buffer = this.buffer.slice(end + 1);
      if (line) this.take(line);
    }
    if (this.buffer.length > LONGEST_MESSAGE) this.end(new Error('a QMP message without end'));
  }

  private take(line: string): void {
    let parsed: z.infer<typeof message>;
    try {
      parsed = message.parse(JSON.parse(line));
    } catch (error) {
      this.end(new Error(`not a QMP message: ${line.slice(0, 200)}`, { cause: error }));
      return;
    }
    if ('QMP' in parsed) {
      const { major, minor, micro } = parsed.QMP.version.qemu;
      this.pending.delete(0);
      this.greeted(`${major}.${minor}.${micro}`);
    } else if ('event' in parsed) {
      // How a guest ended is told by its exit status and console.
    } else if ('error' in parsed) {
      this.settle(parsed.id)?.(
        (pending, desc: string) => pending.reject(new QmpError(pending.command, desc)),
        parsed.error.desc,
      );
    } else {
      this.settle(parsed.id)?.((pending, value: unknown) => pending.resolve(value), parsed.return);
    }
  }

  private settle(
    id: number | undefined,
  ): (<V>(how: (pending: Pending, value: V) => void, value: V) => void) | undefined {
    const pending = id === undefined ? undefined : this.pending.get(id);
    if (id === undefined || !pending) return undefined;
    this.pending.delete(id);
    return (how, value) => how(pending, value);
  }

  private end(error: Error): void {
    this.ended ??= error;
    for (const pending of this.pending.values()) pending.reject(this.ended);
    this.pending.clear();
    if (!this.stream.destroyed) this.stream.destroy();
  }
}
