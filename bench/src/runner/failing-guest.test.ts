import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatasetWriter, readDataset } from '@plumbline/datasets';
import { afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { pause } from '../deadline.ts';
import { buildGenerator } from '../generator/index.ts';
import { findSubject, type PreparedSubject } from '../subjects/index.ts';
import { bootGuest } from '../subjects/running-guest.ts';
import { chooseCores, GUEST_MAC, guestCommand, Resources } from '../vmm/index.ts';
import { writeTinyGuest } from '../vmm/testing/tiny-guest.ts';
import { type Execution, executeBoot } from './execute.ts';
import { planRun } from './plan.ts';
import { readCircumstances } from './provenance.ts';

// The real generator and the real QEMU; only the guest is one of a few bytes, which cannot answer.

beforeAll(async () => {
  await buildGenerator();
}, 600_000);

let folder: string;
let resources: Resources;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'plumbline-failing-'));
  resources = new Resources();
});
afterEach(async () => {
  await resources.close();
  rmSync(folder, { recursive: true, force: true });
});

function tinySubject(text: string, exitValue?: number): PreparedSubject {
  const kernel = join(folder, 'tiny.elf');
  writeTinyGuest(kernel, text, exitValue);
  return {
    identity: { kernelBuildId: 'tiny', imageBuildId: 'tiny', packages: {} },
    boot: (config) =>
      bootGuest({ port: 11211, request: 'get' }, { ...config, answerTimeoutMs: 3_000 }, (sockets) =>
        guestCommand({
          accelerator: 'tcg',
          machine: 'microvm',
          vcpus: 1,
          memoryBytes: 8 << 20,
          kernel,
          options: '',
          network: { socket: sockets.network, queues: 1, mac: GUEST_MAC },
          serial: join(config.directory, 'serial.log'),
        }),
      ),
  };
}

async function measure(prepared: PreparedSubject) {
  const dataset = join(folder, 'samples.jsonl');
  const writer = await DatasetWriter.open(dataset);
  const execution: Execution = {
    run: 'test',
    seed: 1,
    scope: 'quick',
    cores: chooseCores(),
    resources,
    writer,
    circumstances: readCircumstances(),
    done: new Set(),
  };
  const [plan] = planRun(
    {
      workloads: ['memcached-udp'],
      subjects: ['plumbline'],
      variants: ['default'],
      boots: 1,
      accelerator: 'tcg',
      scope: 'quick',
      seed: 1,
    },
    'tcg',
  ).boots;
  if (!plan) throw new Error('nothing planned');
  try {
    await executeBoot(execution, plan, { subject: findSubject('plumbline'), prepared }, () => {});
  } finally {
    await writer.close();
  }
  const { records } = await readDataset(dataset);
  return { plan, failures: records.filter((record) => record.kind === 'failure') };
}

/** Processes whose command line names a text. */
function processes(text: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(text);
      } catch {
        return false;
      }
    })
    .map(Number);
}

it('a guest that panics is stored with its words, for every point of its boot', async () => {
  const { plan, failures } = await measure(tinySubject('panic: no memory\n  #0 main+0x4\n', 0x11));
  expect(failures).toHaveLength(plan.points.length);
  expect(failures[0]).toMatchObject({ reason: 'the guest ended (panic)', console: 'panic: no memory\n  #0 main+0x4' });
});

it('a VMM that dies in the middle is stored as that, at once', async () => {
  const subject = tinySubject('waiting\n');
  const killed = (async () => {
    for (let tries = 0; tries < 500; tries += 1) {
      const qemus = processes(`-kernel\0${join(folder, 'tiny.elf')}`);
      if (qemus.length > 0) {
        for (const pid of qemus) process.kill(pid, 'SIGKILL');
        return;
      }
      await pause(10);
    }
    throw new Error('QEMU was not seen');
  })();
  const { failures } = await measure(subject);
  await killed;
  expect(failures[0]).toMatchObject({ reason: 'the guest ended (killed)' });
  expect(failures[0]?.kind === 'failure' && failures[0].console).toMatch(/QEMU was ended by SIGKILL/);
});

it('a guest that stays silent is stored with its last lines, and nothing of it is left', async () => {
  const { failures } = await measure(tinySubject('hello, I hang\n'));
  expect(failures[0]).toMatchObject({ console: 'hello, I hang' });
  expect(failures[0]?.kind === 'failure' && failures[0].reason).toMatch(/time-out|no answer|answer/);
  expect(processes(join(folder, 'tiny.elf'))).toEqual([]);
});
