import { z } from 'zod';

/**
 * What can be varied. A `build` dimension chooses between implementations when the kernel is built (a CMake variable
 * names the folder); a `boot` dimension is a boot option of one and the same image. The runner, reports and tuning read
 * both kinds from here: adding a value touches one folder of the kernel and one line of this file.
 */
export type Dimension = {
  readonly name: string;
  readonly kind: 'build' | 'boot';
  /** The CMake variable or the boot option(s). */
  readonly target: string;
  /** Allowed values with the text that reaches CMake or the kernel's command line. */
  readonly values: Readonly<Record<string, string>>;
  readonly default: string;
  readonly description: string;
  /** Whether it makes a difference only to unmodified programs: other subjects are not measured with it. */
  readonly ofPrograms?: boolean;
};

export const DIMENSIONS = [
  {
    name: 'sched',
    kind: 'build',
    target: 'PLUMBLINE_SCHED',
    values: { spinlock: 'spinlock' },
    default: 'spinlock',
    description: 'The scheduler: per-CPU run queues under spinlocks.',
  },
  {
    name: 'net',
    kind: 'build',
    target: 'PLUMBLINE_NET',
    values: { zerocopy: 'zerocopy', copy: 'copy' },
    default: 'zerocopy',
    description:
      "The queues of stream sockets: payload stays in the device's buffers between network and program, or is copied into socket buffers on the way.",
  },
  {
    name: 'idle',
    kind: 'boot',
    target: 'net.poll-spins',
    values: { poll: '20000', halt: '0' },
    default: 'poll',
    description:
      'What a receive loop does when its queue is empty: poll a while before it halts, or halt at once and take an interrupt.',
  },
  {
    name: 'syscall',
    kind: 'boot',
    target: 'linux.syscall',
    values: { call: 'call', trap: 'trap' },
    default: 'call',
    description:
      "How programs' system calls arrive: replaced by jumps where the image lists them, or all by the syscall instruction.",
    ofPrograms: true,
  },
  {
    name: 'pages',
    kind: 'boot',
    target: 'memory.pages',
    values: { '2m': '2m', '4k': '4k' },
    default: '2m',
    description: 'The pages of large anonymous mappings of programs.',
    ofPrograms: true,
  },
] as const satisfies readonly Dimension[];

const dimensionNames = DIMENSIONS.map((dimension) => dimension.name);

/** Values for every dimension, by name. */
export type VariantValues = Record<string, string>;

/** A named combination of values, as samples record it. */
export type Variant = { name: string; values: VariantValues };

/** The values of the default preset. */
export function defaultValues(): VariantValues {
  return Object.fromEntries(DIMENSIONS.map((dimension) => [dimension.name, dimension.default]));
}

/** Named presets; every other preset is the default with one factor changed. */
export const PRESETS: Readonly<Record<string, VariantValues>> = {
  default: defaultValues(),
  halt: { ...defaultValues(), idle: 'halt' },
  trap: { ...defaultValues(), syscall: 'trap' },
  copy: { ...defaultValues(), net: 'copy' },
  'small-pages': { ...defaultValues(), pages: '4k' },
};

/** A variant that does not exist: names the part that is wrong and what is allowed. Exit code 64 (EX_USAGE). */
export class UnknownVariantError extends Error {
  readonly exitCode = 64;
  constructor(message: string) {
    super(message);
    this.name = 'UnknownVariantError';
  }
}

const assignmentSchema = z.string().regex(/^[a-z-]+=[a-z0-9-]+$/);

/**
 * Reads a variant as users write it: a preset's name (`default`, `halt`) or values by dimension (`idle=halt`,
 * `sched=spinlock,idle=halt`), the rest being the default's.
 *
 * @throws UnknownVariantError naming the dimension or value and the allowed ones
 */
export function parseVariant(text: string): Variant {
  const preset = PRESETS[text];
  if (preset !== undefined) return { name: text, values: { ...preset } };
  if (!text.includes('=')) {
    throw new UnknownVariantError(
      `variant '${text}': no such preset; presets are ${Object.keys(PRESETS).join(', ')}, or give values such as ${DIMENSIONS.map((d) => `${d.name}=${d.default}`).join(',')}`,
    );
  }
  const values = defaultValues();
  for (const part of text.split(',')) {
    if (!assignmentSchema.safeParse(part).success) {
      throw new UnknownVariantError(`variant '${text}': '${part}' is not of the form dimension=value`);
    }
    const [name = '', value = ''] = part.split('=');
    const dimension = findDimension(name);
    if (dimension === undefined) {
      throw new UnknownVariantError(
        `variant '${text}': no dimension '${name}'; dimensions are ${dimensionNames.join(', ')}`,
      );
    }
    if (!Object.hasOwn(dimension.values, value)) {
      throw new UnknownVariantError(
        `variant '${text}': ${name} cannot be '${value}'; allowed are ${Object.keys(dimension.values).join(', ')}`,
      );
    }
    values[name] = value;
  }
  return { name: nameOf(values), values };
}

function findDimension(name: string): Dimension | undefined {
  return DIMENSIONS.find((dimension) => dimension.name === name);
}

/** The preset's name for these values, else the values that differ from the default, e.g. `idle=halt`. */
export function nameOf(values: VariantValues): string {
  const same = (other: VariantValues) => dimensionNames.every((name) => other[name] === values[name]);
  const preset = Object.entries(PRESETS).find(([, other]) => same(other));
  if (preset !== undefined) return preset[0];
  return DIMENSIONS.filter((dimension) => values[dimension.name] !== dimension.default)
    .map((dimension) => `${dimension.name}=${values[dimension.name]}`)
    .join(',');
}

/** Whether a variant differs from others in what only unmodified programs notice. */
export function isOfPrograms(variant: Variant): boolean {
  return (DIMENSIONS as readonly Dimension[]).some(
    ({ name, ofPrograms, default: usual }) => ofPrograms === true && (variant.values[name] ?? usual) !== usual,
  );
}

/** CMake definitions of a variant, e.g. `{PLUMBLINE_SCHED: 'spinlock', PLUMBLINE_NET: 'copy'}`. */
export function buildDefinitions(values: VariantValues): Record<string, string> {
  return targets(values, 'build');
}

/** Boot options of a variant, e.g. `{'net.poll-spins': '0'}`. */
export function bootOptions(values: VariantValues): Record<string, string> {
  return targets(values, 'boot');
}

function targets(values: VariantValues, kind: Dimension['kind']): Record<string, string> {
  const out: Record<string, string> = {};
  for (const dimension of DIMENSIONS as readonly Dimension[]) {
    if (dimension.kind !== kind) continue;
    const value = values[dimension.name] ?? dimension.default;
    const text = dimension.values[value];
    if (text === undefined) {
      throw new UnknownVariantError(
        `${dimension.name} cannot be '${value}'; allowed are ${Object.keys(dimension.values).join(', ')}`,
      );
    }
    out[dimension.target] = text;
  }
  return out;
}

/** The part of a variant that decides the image: a folder name under build/kernel, e.g. `sched-spinlock_net-copy`. */
export function buildKey(values: VariantValues): string {
  return DIMENSIONS.filter((dimension) => dimension.kind === 'build')
    .map((dimension) => `${dimension.name}-${values[dimension.name] ?? dimension.default}`)
    .join('_');
}
