/** How a guest ended. */
export type GuestExitKind =
  | 'ok'
  | 'panic'
  | 'tests-failed'
  | 'bad-option'
  | 'stuck'
  | 'stopped'
  | 'killed'
  | 'vmm-failed';

export interface GuestExit {
  readonly kind: GuestExitKind;
  /** QEMU's exit status; null when a signal ended it. */
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  /** What happened, for the user: the panic's text, the wrong option, QEMU's complaint. */
  readonly text: string;
}

/** isa-debug-exit ends QEMU with (value << 1) | 1; the values are the kernel's core/exit_code.hh. */
const STATUSES: ReadonlyMap<number, GuestExitKind> = new Map([
  [33, 'ok'],
  [35, 'panic'],
  [37, 'tests-failed'],
  [39, 'bad-option'],
  [41, 'stuck'],
]);

const LONGEST_TEXT = 100;

/** The panic in a console log: from its first line on, at most 100 lines. Undefined when there is none. */
export function panicText(log: string): string | undefined {
  const lines = log.split(/\r?\n/);
  const start = lines.findIndex((line) => /\bpanic\b/i.test(line));
  return start < 0
    ? undefined
    : lines
        .slice(start, start + LONGEST_TEXT)
        .join('\n')
        .trimEnd();
}

/** The last lines of a log, for a guest that ended or hangs without saying why. */
export function lastLines(log: string, count = 15): string {
  return log.trimEnd().split(/\r?\n/).slice(-count).join('\n');
}

/**
 * Explains how QEMU ended.
 * @param log what the guest wrote to its serial port and console.
 * @param stderr what QEMU complained about.
 * @param requested whether we asked it to end.
 */
export function decodeExit(
  status: number | null,
  signal: NodeJS.Signals | null,
  log: string,
  stderr: string,
  requested: boolean,
): GuestExit {
  const ended = (kind: GuestExitKind, text: string): GuestExit => ({ kind, status, signal, text });
  const kind = status === null ? undefined : STATUSES.get(status);
  if (kind === 'panic') return ended(kind, panicText(log) ?? `the guest panicked without a text\n${lastLines(log)}`);
  if (kind === 'ok') return ended(kind, 'the guest powered off');
  if (kind !== undefined) return ended(kind, lastLines(log) || `exit status ${status} without a text`);
  if (requested) return ended('stopped', 'stopped by the harness');
  const complaint = stderr.trim() || 'it said nothing';
  // A panic whose exit was cut short is still a panic.
  const panic = panicText(log);
  if (signal !== null) return ended('killed', `QEMU was ended by ${signal}: ${panic ?? complaint}`);
  if (panic !== undefined) return ended('panic', panic);
  return ended('vmm-failed', `QEMU ended with status ${status}: ${complaint}`);
}
