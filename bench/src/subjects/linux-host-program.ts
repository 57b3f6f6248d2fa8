import { spawn } from 'node:child_process';
import { fetchImagePackages } from '@plumbline/variants';
import { hostCommand } from '../linux/index.ts';
import { boundToUs } from '../process/launcher.ts';
import { lastLines } from '../vmm/index.ts';
import type { RunningProgram, SubjectProgram } from './program.ts';
import type { BootConfig } from './subject.ts';

const LONGEST_OUTPUT = 8 << 20;

/**
 * Starts a program as a process of this host, on the core that the vCPU would have, with the libraries of its Debian
 * packages: the bytes that the guests run.
 */
export async function startHostProgram(config: BootConfig, program: SubjectProgram): Promise<RunningProgram> {
  const { packages } = await fetchImagePackages(program.packages, {});
  const [launcher, ...argv] = boundToUs(await hostCommand(packages, program), [config.cores.server]);
  const startedNs = process.hrtime.bigint();
  const child = spawn(launcher, argv, {
    cwd: config.directory,
    // Python finds no compiled modules, as in the guests, and leaves none in the packages, which images are made of.
    env: { LC_ALL: 'C', PYTHONPYCACHEPREFIX: config.directory },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(-LONGEST_OUTPUT);
    });
  }
  const ended = new Promise<{ reason: string; console: string }>((resolve) => {
    child.on('error', (error) => resolve({ reason: error.message, console: output }));
    child.on('close', (code, signal) => {
      resolve({ reason: `the program ended with ${signal ?? `status ${code}`}`, console: lastLines(output) });
    });
  });
  const stop = async (): Promise<void> => {
    child.kill('SIGKILL');
    await ended;
  };
  config.resources.defer(stop);
  return { startedNs, output: () => output, ended, stop };
}
