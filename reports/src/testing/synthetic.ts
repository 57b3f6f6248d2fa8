import {
  type Accelerator,
  type Failure,
  METRIC_UNITS,
  type MetricName,
  makeProvenance,
  type Placement,
  type Provenance,
  type RunRecord,
  type Sample,
  type SubjectId,
} from '@plumbline/datasets';
import { seededRandom } from '../statistics/index.ts';

/**
 * A made-up run for tests of the report. None of its figures was measured; it has every case the report must
 * handle: boots in two placements, mixed ones, a disturbed boot, a client-bound one, a loss, a missing point, parts.
 */
export type SyntheticRun = { samples: Sample[]; provenance: Provenance[]; runs: RunRecord[]; failures: Failure[] };

const WINDOWS = [1, 8, 32, 128, 512];
/** [requests/s, p50 in ns] at each window, near. */
const CURVES: Record<string, [number, number][]> = {
  'plumbline/default': [
    [1.9e6, 420],
    [5.2e6, 1300],
    [7.1e6, 3900],
    [8.4e6, 13_500],
    [8.5e6, 56_000],
  ],
  'plumbline/halt': [
    [0.07e6, 13_000],
    [0.62e6, 11_500],
    [1.9e6, 15_500],
    [6.1e6, 19_500],
    [8.1e6, 58_000],
  ],
  'echo/default': [
    [2.86e6, 280],
    [9.1e6, 780],
    [11.1e6, 2500],
    [14.1e6, 8300],
    [14.2e6, 35_000],
  ],
  'linux-host/debian': [
    [0.033e6, 29_000],
    [0.139e6, 55_000],
    [0.142e6, 220_000],
    [0.149e6, 850_000],
    [0.152e6, 3_300_000],
  ],
};

function provenanceOf(accelerator: Accelerator): Provenance {
  return makeProvenance({
    accelerator,
    host: {
      id: 'synthetic-host',
      cpuModel: 'A made-up CPU @ 2.8 GHz',
      cpus: 2,
      memoryBytes: 8 * 2 ** 30,
      kernel: '6.1.0-test',
      virtualisation: 'kvm',
    },
    vmm: accelerator === 'none' ? 'none' : 'QEMU 7.2.0',
    node: 'v20.19.0',
    repository: { revision: '0123456789abcdef0123456789abcdef01234567', dirty: false },
    kernelBuildId: 'feedface',
    imageBuildId: 'cafebabe',
    packages: { memcached: '1.6.18', dpdk: '22.11' },
    seed: 42,
  });
}

type Point = {
  workload: string;
  parameters: Sample['parameters'];
  subject: SubjectId;
  variant: string;
  accelerator: Accelerator;
  boot: number;
};

function start(subject: SubjectId, accelerator: Accelerator, boot: number): Point {
  return {
    workload: 'boot',
    parameters: { measure: 'start', machine: 'microvm', vcpus: 1 },
    subject,
    variant: subject === 'plumbline' ? 'default' : 'debian',
    accelerator,
    boot,
  };
}

/** Bit/s of a stream by the size of its messages, both directions alike. */
const STREAMS: Record<string, Record<number, number>> = {
  'plumbline-unmodified/default': { 1024: 6e9, 65536: 31e9 },
  'plumbline-unmodified/copy': { 1024: 6.6e9, 65536: 21e9 },
  'linux-host/debian': { 1024: 3e9, 65536: 17e9 },
};

/** Streams of all, and what zero-copy and copy copy for a message. */
function addStreams(
  boots: number,
  add: (at: Point, metric: MetricName, value: number, more?: Partial<Sample>) => void,
  noise: (size: number) => number,
): void {
  for (const [key, sizes] of Object.entries(STREAMS)) {
    const [subject, variant] = key.split('/') as [SubjectId, string];
    const values = subject === 'linux-host' ? {} : { net: variant === 'copy' ? 'copy' : 'zerocopy' };
    for (let boot = 0; boot < boots; boot += 1) {
      for (const direction of ['to-server', 'from-server']) {
        for (const [message, bandwidth] of Object.entries(sizes)) {
          const at = {
            workload: 'tcp-stream',
            parameters: { direction, message: Number(message) },
            ...{ subject, variant, boot },
          };
          const more = { variant: { name: variant, values } };
          const accelerator = subject === 'linux-host' ? 'none' : 'kvm_pvm';
          add({ ...at, accelerator }, 'bandwidth', bandwidth * noise(0.03), { ...more, placement: 'near' });
          if (subject === 'linux-host') continue;
          const parts = { 'from-program': 1, 'to-device': variant === 'copy' ? 1 : 0 };
          const copies = parts['from-program'] + parts['to-device'];
          add({ ...at, accelerator: 'tcg' }, 'copies-per-request', copies, { ...more, parts });
          add({ ...at, accelerator: 'tcg' }, 'bytes-copied-per-request', copies * Number(message), more);
        }
      }
    }
  }
}

/** Makes the run; the same every time. */
export function syntheticRun(boots = 5): SyntheticRun {
  const random = seededRandom(2026);
  const noise = (size: number) => 1 + size * (random() + random() - 1);
  const provenance = (['kvm_pvm', 'none', 'tcg'] as const).map(provenanceOf);
  const idOf = (accelerator: Accelerator) => provenance.find((p) => p.accelerator === accelerator)?.id ?? '';
  const samples: Sample[] = [];
  const add = (at: Point, metric: MetricName, value: number, more: Partial<Sample> = {}) => {
    samples.push({
      kind: 'sample',
      schema: 1,
      id: `s${samples.length}`,
      run: 'synthetic',
      time: new Date(Date.UTC(2026, 0, 1) + samples.length * 1000).toISOString(),
      workload: at.workload,
      parameters: at.parameters,
      subject: at.subject,
      variant: {
        name: at.variant,
        values: at.subject === 'plumbline' ? { idle: at.variant === 'halt' ? 'halt' : 'poll' } : {},
      },
      accelerator: at.accelerator,
      placement: 'none',
      boot: { index: at.boot, id: `${at.workload}-${at.subject}-${at.variant}-${at.accelerator}-${at.boot}` },
      metric,
      unit: METRIC_UNITS[metric],
      value,
      disturbed: false,
      clientBound: false,
      before: { load: 0.4, steal: 0.002 },
      after: { load: 1.2, steal: 0.004 },
      provenance: idOf(at.accelerator),
      ...more,
    });
  };

  for (const [key, curve] of Object.entries(CURVES)) {
    const [subject, variant] = key.split('/') as [SubjectId, string];
    const accelerator = subject === 'linux-host' ? 'none' : 'kvm_pvm';
    for (let boot = 0; boot < boots + 1; boot += 1) {
      // The last boot is elsewhere: it must never be put together with the others.
      const placement: Placement = boot === boots ? 'far' : 'near';
      const slower = placement === 'far' && subject !== 'linux-host' ? 0.6 : 1;
      curve.forEach(([rate, latency], i) => {
        if (subject === 'linux-host' && i === 4 && placement === 'near') return;
        const at = {
          workload: 'memcached-udp',
          parameters: { mix: 'get', window: WINDOWS[i] ?? 0 },
          subject,
          variant,
          accelerator: accelerator as Accelerator,
          boot,
        };
        const flags = {
          placement,
          disturbed: key === 'plumbline/default' && i === 2 && boot === 1,
          clientBound: (key === 'plumbline/default' && i === 3 && boot === 2) || subject === 'echo',
          loss: subject === 'linux-host' && i >= 3 ? 0.012 : 0,
        };
        const share = slower * noise(0.04) * (flags.disturbed ? 0.5 : 1);
        add(at, 'throughput', rate * share, flags);
        add(at, 'latency-p50', (latency / share) * noise(0.02), flags);
        add(at, 'latency-p99', ((latency * 1.5) / share) * noise(0.12), flags);
        add(at, 'latency-p999', ((latency * 2.4) / share) * noise(0.3), flags);
        add(at, 'loss', flags.loss, flags);
      });
    }
  }
  for (let boot = 0; boot < boots; boot += 1) {
    for (const [subject, user, kernel] of [
      ['plumbline', 0, 1180],
      ['linux-guest', 3900, 18_200],
    ] as const) {
      const parts = {
        user: user * noise(0.01),
        kernel: kernel * noise(0.01),
        idle: subject === 'plumbline' ? 5200 : 40,
      };
      add(
        {
          workload: 'instructions',
          parameters: { mix: 'get', connections: 8, outstanding: 4 },
          subject,
          variant: subject === 'plumbline' ? 'default' : 'debian',
          accelerator: 'tcg',
          boot,
        },
        'instructions-per-request',
        parts.user + parts.kernel,
        { parts },
      );
    }
    for (const [subject, accelerator, time, own] of [
      ['plumbline', 'kvm_pvm', 61e6, 3.4e6],
      ['plumbline', 'tcg', 143e6, 21e6],
      ['linux-guest', 'tcg', 1830e6, 1480e6],
    ] as const) {
      const at = start(subject, accelerator, boot);
      add(at, 'boot-time', time * noise(0.1));
      add(at, 'guest-boot-time', own * noise(0.06));
    }
  }
  for (const [subject, memory, image] of [
    ['plumbline', 6 * 2 ** 20, 412 * 1024],
    ['linux-guest', 62 * 2 ** 20, 14.2 * 2 ** 20],
  ] as const) {
    const at = start(subject, 'tcg', 0);
    add(at, 'least-memory', memory);
    add(at, 'image-size', Math.round(image));
  }
  addStreams(boots, add, noise);
  for (let boot = 0; boot < 2; boot += 1) {
    const at = {
      workload: 'determinism',
      parameters: { measure: 'start', machine: 'microvm', vcpus: 1 },
      subject: 'plumbline' as const,
      variant: 'default',
      accelerator: 'tcg' as const,
      boot,
    };
    add(at, 'guest-boot-time', 8_123_456);
  }
  const failure = samples.find((s) => s.subject === 'linux-host');
  return {
    samples,
    provenance,
    runs: [
      {
        kind: 'run',
        schema: 1,
        run: 'synthetic',
        time: '2026-01-01T00:00:00.000Z',
        command: ['npm', 'run', 'bench'],
        seed: 42,
        quick: false,
        choices: [
          'Accelerator kvm_pvm: /dev/kvm is usable and offers no VMX, so no Linux guest runs on it.',
          'The real tier compares with linux-host.',
        ],
      },
    ],
    failures: [
      {
        kind: 'failure',
        schema: 1,
        id: 'f0',
        run: 'synthetic',
        time: '2026-01-01T00:10:00.000Z',
        workload: 'memcached-udp',
        parameters: { mix: 'get', window: 512 },
        subject: 'linux-host',
        variant: { name: 'debian', values: {} },
        accelerator: 'none',
        boot: { index: 3, id: 'failed' },
        reason: 'memcached did not answer within 5 s </script><script>alert(1)</script>',
        provenance: failure?.provenance ?? '',
      },
    ],
  };
}
