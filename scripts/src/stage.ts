import { spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository's root folder. */
export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** One command of a stage. */
export type Step = { command: string; args: string[]; cwd?: string; env?: Record<string, string> };

/** A named part of the test run: its steps run in order, the first that fails ends it. */
export type Stage = { name: string; about: string; minutes: number; steps: Step[] };

export type StageResult = { name: string; passed: boolean; seconds: number; log: string; reason: string };

/** How long a step that was told to end may take before it is killed. */
const KILL_DELAY_MS = 5_000;

function runStep(step: Step, log: string, deadlineMs: number): Promise<string> {
  return new Promise((resolve) => {
    const sink = createWriteStream(log, { flags: 'a' });
    sink.write(`\n$ ${step.command} ${step.args.join(' ')}\n`);
    const child = spawn('setpriv', ['--pdeathsig', 'TERM', '--', step.command, ...step.args], {
      cwd: step.cwd ?? ROOT,
      env: { ...process.env, NO_COLOR: '1', ...step.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child.stdout.pipe(sink, { end: false });
    child.stderr.pipe(sink, { end: false });
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      child.kill('SIGTERM');
      setTimeout(() => child.kill('SIGKILL'), KILL_DELAY_MS).unref();
    }, deadlineMs);
    const end = (reason: string) => {
      clearTimeout(timer);
      sink.end(() => resolve(reason));
    };
    child.on('error', (error) => end(`${step.command}: ${error.message}`));
    child.on('close', (code, signal) => {
      if (late) end(`${step.command}: not done after ${Math.round(deadlineMs / 60_000)} minutes`);
      else if (code === 0) end('');
      else end(`${step.command} ${step.args.slice(0, 3).join(' ')} ended with ${signal ?? code}`);
    });
  });
}

/** Runs a stage; its whole output goes to build/test/<name>.log. */
export async function runStage(stage: Stage): Promise<StageResult> {
  const folder = join(ROOT, 'build', 'test');
  await mkdir(folder, { recursive: true });
  const log = join(folder, `${stage.name}.log`);
  createWriteStream(log).end();
  const start = Date.now();
  let reason = '';
  for (const step of stage.steps) {
    reason = await runStep(step, log, start + stage.minutes * 60_000 - Date.now());
    if (reason !== '') break;
  }
  return { name: stage.name, passed: reason === '', seconds: (Date.now() - start) / 1000, log, reason };
}

/** The end of a stage's log, for the terminal. */
export async function logTail(result: StageResult, lines = 60): Promise<string> {
  const text = await readFile(result.log, 'utf8');
  return text.split('\n').slice(-lines).join('\n');
}
