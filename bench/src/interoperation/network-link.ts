import { type ChildProcess, spawn } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { withDeadline } from '../deadline.ts';
import { EnvironmentError } from '../errors.ts';
import { dyingWithUs, runCommand } from '../process/command.ts';
import type { Resources } from '../vmm/index.ts';

const KERNEL = fileURLToPath(new URL('../../../kernel', import.meta.url));
const OUTPUT = fileURLToPath(new URL('../../../build/programs', import.meta.url));
const PARTS = ['network_link', 'link', 'link_options', 'pcap_file'] as const;
const FLAGS = ['-std=c++20', '-O2', '-Wall', '-Wextra', '-Werror', '-DPLUMBLINE_HOSTED=1', `-I${KERNEL}`];

/**
 * Compiles the simulator's link process (kernel/net/simulator) as a program of this host, once for each state of its sources.
 * @returns its path
 * @throws CommandError with the compiler's words
 */
export async function compileNetworkLink(): Promise<string> {
  const sources = PARTS.map((part) => join(KERNEL, 'net/simulator', `${part}.cc`));
  // Headers count as well; the compiler says which they are.
  const listed = await runCommand(['g++-12', ...FLAGS, '-MM', ...sources], { deadlineMs: 60_000 });
  const files = [...new Set(listed.split(/[\s\\]+/).filter((word) => /\.(cc|hh)$/.test(word)))].sort();
  const hash = createHash('sha256').update(FLAGS.slice(0, -1).join(' '));
  for (const file of files) hash.update(await readFile(file));
  const program = join(OUTPUT, `network_link-${hash.digest('hex').slice(0, 16)}`);
  if (existsSync(program)) return program;
  await mkdir(OUTPUT, { recursive: true });
  const unfinished = `${program}.${randomUUID()}`;
  await runCommand(['g++-12', ...FLAGS, '-o', unfinished, ...sources], { deadlineMs: 120_000 });
  await rename(unfinished, program);
  return program;
}

/** A link between two taps, until it is stopped. */
export interface RunningLink {
  /** Ends it and gives its words: what it did to the frames of each direction. */
  stop(): Promise<string>;
}

/**
 * Starts the link process and waits until it passes frames.
 * @param prefix enters the network namespace of the taps
 * @throws EnvironmentError with its own words
 */
export async function startNetworkLink(
  prefix: readonly string[],
  argv: readonly [string, ...string[]],
  resources: Resources,
): Promise<RunningLink> {
  const [program, ...args] = dyingWithUs([...prefix, ...argv]);
  const child: ChildProcess = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let words = '';
  const ended = new Promise<void>((resolve) => {
    child.once('error', (error) => {
      words += error.message;
      resolve();
    });
    child.once('close', () => resolve());
  });
  const ready = new Promise<boolean>((resolve) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        words = (words + text).slice(-10_000);
        if (words.includes('ready')) resolve(true);
      });
    }
    void ended.then(() => resolve(false));
  });
  const end = async (): Promise<void> => {
    child.kill('SIGTERM');
    await withDeadline(ended, 10_000, 'the end of network_link').catch(() => child.kill('SIGKILL'));
  };
  const close = resources.defer(end);
  if (!(await withDeadline(ready, 10_000, 'network_link'))) {
    throw new EnvironmentError(`network_link does not run: ${words.trim()}`);
  }
  return {
    stop: async () => {
      await close();
      return words.replace(/^ready\n/, '').trim();
    },
  };
}
