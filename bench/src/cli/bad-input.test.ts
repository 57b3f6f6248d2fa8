import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lastUnfinishedRun, REPOSITORY, takeMeasurementLock } from '../runner/run-store.ts';

let folder: string;
let unfinished: string | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'plumbline-bad-'));
  unfinished = lastUnfinishedRun()?.run;
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
  // What fails before it begins leaves no run behind that could be resumed.
  expect(lastUnfinishedRun()?.run).toBe(unfinished);
});

interface Ended {
  readonly status: number | null;
  readonly text: string;
}

function run(argv: readonly string[]): Ended {
  const [program = '', ...args] = argv;
  const ended = spawnSync(program, args, { cwd: REPOSITORY, encoding: 'utf8', timeout: 50_000 });
  return { status: ended.status, text: ended.stdout + ended.stderr };
}

function cli(name: string, ...args: string[]): string[] {
  return [process.execPath, '--import', 'tsx', `bench/src/cli/${name}.ts`, ...args];
}

/** A mount namespace of our own in which `script` prepares what the command, "$@", meets. */
function inMountNamespace(script: string, command: readonly string[]): Ended {
  const user = process.getuid?.() === 0 ? [] : ['--map-root-user'];
  return run(['unshare', ...user, '--mount', 'sh', '-ec', `${script}; exec "$@"`, 'sh', ...command]);
}

/** Nothing long: one boot of one point. */
const SHORT = ['--workload', 'determinism', '--subject', 'plumbline', '--accel', 'tcg', '--boots', '1'];

describe('options', () => {
  it.each(['bench', 'boot', 'targets', 'soak'])('%s: an unknown one is named, with the way to --help', (name) => {
    const { status, text } = run(cli(name, '--wrong'));
    expect(text).toMatch(/unknown option '--wrong'/);
    expect(text).toContain(`npm run ${name} -- --help`);
    expect(status).toBe(64);
  });

  it.each(['bench', 'boot', 'targets', 'soak'])('%s: --help explains and ends with 0', (name) => {
    const { status, text } = run(cli(name, '--help'));
    expect(text).toMatch(/Usage: /);
    expect(status).toBe(0);
  });

  it.each([
    [
      ['bench', '--workload', 'mysql'],
      /--workload: "mysql" is not allowed. Allowed: memcached-udp, memcached-tcp, redis/,
    ],
    [
      ['bench', '--subject', 'osv'],
      /--subject: "osv" is not allowed. Allowed: plumbline, plumbline-unmodified, echo, linux-host, linux-guest/,
    ],
    [['bench', '--boots', '0'], /--boots: "0" is not allowed. Allowed: a whole number from 1 to 1000/],
    [['bench', '--accel', 'xen'], /--accel: "xen" is not allowed. Allowed: auto, kvm, tcg/],
    [['bench', '--variant', 'fast'], /variant 'fast': no such preset; presets are default, halt/],
    [['bench', '--variant', 'idle=spin'], /idle cannot be 'spin'; allowed are poll, halt/],
    [['bench', '--resume', 'nope'], /--resume: "nope"/],
    [['bench', '--quick', '--full'], /exclude each other/],
    [['boot', '--variant', 'fast'], /no such preset/],
    [['boot', '--memory', '64X'], /--memory: "64X" is not allowed/],
    [['boot', '--vcpus', '9'], /--vcpus: "9" is not allowed. Allowed: a whole number from 1 to 8/],
    [['boot', '--machine', 'pc'], /--machine: "pc" is not allowed. Allowed: microvm, q35/],
    [['boot', '--options', 'a b=1'], /--options: "a" is not allowed/],
    [['soak', '--tcp', '--minutes', '5'], /'--tcp' cannot be used with option '--minutes <n>'/],
    [['targets', '--group', 'none'], /--group: "none" is not allowed. Allowed: memcached, instructions, boot, memory/],
  ])('%j', (args, message) => {
    const [name = '', ...rest] = args;
    const { status, text } = run(cli(name, ...rest));
    expect(text).toMatch(message);
    expect(status).toBe(64);
  });
});

describe('the machine', () => {
  it('without /dev/kvm, --accel kvm says what is missing and what to do', () => {
    const withoutKvm = `mount -t tmpfs none "${folder}"; for node in null zero random urandom; do touch "${folder}/$node"; mount --bind "/dev/$node" "${folder}/$node"; done; mount --rbind "${folder}" /dev`;
    const { status, text } = inMountNamespace(withoutKvm, cli('bench', '--accel', 'kvm'));
    expect(text).toMatch(/--accel kvm: \/dev\/kvm does not exist.*or use --accel tcg/s);
    expect(status).toBe(69);
  });

  it('a measurement under way is named, and a second one does not disturb it', () => {
    const release = takeMeasurementLock();
    try {
      const { status, text } = run(cli('bench', ...SHORT));
      expect(text).toContain(`another measurement is under way (process ${process.pid})`);
      expect(status).toBe(69);
    } finally {
      release();
    }
  });
});

describe('the dataset', () => {
  it('a full disk is named, and what was there before is intact', () => {
    const file = join(folder, 'run.jsonl');
    const full = `mount -t tmpfs -o size=4k none "${folder}"; head -c 4096 /dev/zero > "${folder}/rest"`;
    const { status, text } = inMountNamespace(full, cli('bench', ...SHORT, '--out', file));
    expect(text).toMatch(/run\.jsonl: the sample could not be stored \(the disk is full.*earlier samples are intact/);
    expect(status).toBe(74);
  });

  it('a corrupt line is named by file and number, and the file is not touched', () => {
    const file = join(folder, 'run.jsonl');
    writeFileSync(file, '{"kind":"sample"}\n');
    const { status, text } = run(cli('bench', ...SHORT, '--out', file));
    expect(text).toMatch(/run\.jsonl:1: field /);
    expect(status).toBe(65);
    expect(readFileSync(file, 'utf8')).toBe('{"kind":"sample"}\n');
  });

  it('a folder that cannot be written is named', () => {
    writeFileSync(join(folder, 'file'), '');
    const { status, text } = run(cli('bench', ...SHORT, '--out', join(folder, 'file', 'run.jsonl')));
    expect(text).toMatch(/run\.jsonl: the sample could not be stored/);
    expect(status).toBe(74);
    expect(existsSync(join(folder, 'file', 'run.jsonl'))).toBe(false);
  });
});
