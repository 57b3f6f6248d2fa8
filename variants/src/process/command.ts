import { spawn } from 'node:child_process';
import { EnvironmentError, UserError } from '../errors.ts';

/** A command ended with a status other than 0, or was not done in time. */
export class CommandError extends UserError {
  /** What the command printed on standard error, or on standard output when that was empty. */
  readonly output: string;
  constructor(message: string, output: string) {
    super(output === '' ? message : `${message}\n${output}`);
    this.output = output;
  }
}

/** How to run a command. */
export interface CommandOptions {
  readonly directory?: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** Milliseconds after which the command is killed. */
  readonly deadlineMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** More output than this means that something is wrong; the end is what errors are in, so the beginning is dropped. */
const LONGEST_OUTPUT = 64 << 20;

/**
 * Argv that makes the kernel kill a child when we die, however we die (prctl PR_SET_PDEATHSIG; util-linux's setpriv).
 */
export function dyingWithUs(argv: readonly string[]): [string, ...string[]] {
  return ['setpriv', '--pdeathsig', 'KILL', '--', ...argv];
}

/**
 * Runs a program to its end, without a shell, and returns its standard output.
 * @param argv program and arguments
 * @throws EnvironmentError when the program is missing
 * @throws CommandError with the program's own words when it fails or is not done before the deadline
 */
export async function runCommand(argv: readonly [string, ...string[]], options: CommandOptions): Promise<string> {
  const [program, ...args] = dyingWithUs(argv);
  const child = spawn(program, args, {
    cwd: options.directory,
    env: { ...process.env, LC_ALL: 'C', ...options.environment },
    stdio: ['ignore', 'pipe', 'pipe'],
    signal: options.signal,
    killSignal: 'SIGKILL',
  });
  const collect = (stream: NodeJS.ReadableStream): (() => string) => {
    let text = '';
    stream.setEncoding('utf8');
    stream.on('data', (chunk: string) => {
      text = (text + chunk).slice(-LONGEST_OUTPUT);
    });
    return () => text;
  };
  const output = collect(child.stdout);
  const errors = collect(child.stderr);
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    child.kill('SIGKILL');
  }, options.deadlineMs);
  try {
    const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (status, killedBy) => resolve([status, killedBy]));
    });
    const words = errors().trim() || output().trim();
    if (late) throw new CommandError(`${argv[0]}: not done within ${options.deadlineMs / 1000} s`, words);
    // setpriv says so with status 127 when it does not find the program.
    if (code === 127) throw new EnvironmentError(`${argv[0]}: the program is not installed (${words}).`);
    if (code !== 0) throw new CommandError(`${argv.join(' ')}: ended with ${signal ?? `status ${code}`}`, words);
    return output();
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
      throw new EnvironmentError('setpriv is not installed (Debian package util-linux).', { cause: error });
    }
    throw error;
  } finally {
    clearTimeout(timer);
  }
}
