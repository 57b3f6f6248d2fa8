import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { cpus, hostname, release, totalmem } from 'node:os';
import { type Accelerator, makeProvenance, type Provenance } from '@plumbline/datasets';
import type { SubjectIdentity } from '../subjects/index.ts';
import { REPOSITORY } from './run-store.ts';

function output(command: string, args: readonly string[]): string | undefined {
  try {
    return execFileSync(command, args, {
      cwd: REPOSITORY,
      encoding: 'utf8',
      timeout: 10_000,
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  } catch {
    return undefined;
  }
}

/** A stable name of this machine that tells nobody which one it is. */
function hostId(): string {
  const machine = existsSync('/etc/machine-id') ? readFileSync('/etc/machine-id', 'utf8').trim() : '';
  return createHash('sha256')
    .update(`plumbline ${machine || hostname()}`)
    .digest('hex')
    .slice(0, 12);
}

function virtualisation(): string {
  if (existsSync('/sys/module/kvm_pvm')) return 'kvm_pvm';
  const flags = existsSync('/proc/cpuinfo') ? readFileSync('/proc/cpuinfo', 'utf8') : '';
  return /^flags\s*:.*\bhypervisor\b/m.test(flags) ? 'virtual machine' : 'none';
}

/** What all samples of a run share: the host, the tools, the repository. */
export interface RunCircumstances {
  readonly host: Provenance['host'];
  readonly vmm: string;
  readonly repository: Provenance['repository'];
  readonly tools: Readonly<Record<string, string>>;
}

/** Looks at the host once. @param generator identity of the load generator's program. */
export function readCircumstances(generator?: string): RunCircumstances {
  const revision = output('git', ['rev-parse', 'HEAD']);
  const changes = output('git', ['status', '--porcelain', '--untracked-files=no', '--', '.', ':!datasets/results']);
  const qemu = output('qemu-system-x86_64', ['--version']) ?? 'unknown';
  const dpdk = output('pkg-config', ['--modversion', 'libdpdk']);
  return {
    host: {
      id: hostId(),
      cpuModel: cpus()[0]?.model ?? 'unknown',
      cpus: cpus().length,
      memoryBytes: totalmem(),
      kernel: release(),
      virtualisation: virtualisation(),
    },
    vmm: /version (\S+)/.exec(qemu)?.[1] ?? qemu,
    repository: { revision: revision ?? 'unknown', dirty: changes === undefined || changes !== '' },
    tools: { ...(dpdk === undefined ? {} : { dpdk }), ...(generator === undefined ? {} : { generator }) },
  };
}

/** The provenance of a subject's samples. */
export function provenanceOf(
  circumstances: RunCircumstances,
  accelerator: Accelerator,
  identity: SubjectIdentity,
  seed: number,
): Provenance {
  return makeProvenance({
    accelerator,
    host: circumstances.host,
    vmm: accelerator === 'none' ? 'none' : `QEMU ${circumstances.vmm}`,
    node: process.version,
    repository: circumstances.repository,
    kernelBuildId: identity.kernelBuildId,
    imageBuildId: identity.imageBuildId,
    packages: { ...circumstances.tools, ...identity.packages },
    seed,
  });
}
