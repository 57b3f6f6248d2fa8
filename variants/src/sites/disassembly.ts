import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { EnvironmentError, UserError } from '../errors.ts';
import { dyingWithUs } from '../process/command.ts';

/** One instruction as binutils' objdump shows it. */
export interface Instruction {
  readonly address: number;
  /** Length in bytes. */
  readonly length: number;
  /** Mnemonic and operands, such as `mov    $0x27,%eax`; `(bad)` when the bytes are none. */
  readonly text: string;
}

const LINE = /^\s*([0-9a-f]+):\t((?:[0-9a-f]{2} )+)\s*(?:\t(.*))?$/;

/** Parses a line of `objdump -d -w`; undefined for headings and blank lines. */
export function parseInstruction(line: string): Instruction | undefined {
  const match = LINE.exec(line);
  if (match === null) return undefined;
  return {
    address: Number.parseInt(match[1] ?? '', 16),
    length: (match[2] ?? '').length / 3,
    text: (match[3] ?? '(bad)').replace(/\s*#.*/, '').trim(),
  };
}

/**
 * Disassembles the executable sections of an ELF file from their beginnings on, in the order of addresses.
 * @throws EnvironmentError without binutils
 * @throws UserError with objdump's words when it refuses the file, or is not done in two minutes
 */
export async function* disassemble(file: string): AsyncGenerator<Instruction> {
  const [program, ...args] = dyingWithUs(['objdump', '-d', '-w', '--insn-width=15', file]);
  const child = spawn(program, args, {
    env: { ...process.env, LC_ALL: 'C' },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 120_000,
    killSignal: 'SIGKILL',
  });
  let words = '';
  child.stderr.on('data', (chunk: Buffer) => {
    words = (words + chunk.toString()).slice(0, 2_000);
  });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status) => resolve(status));
  });
  // Whoever stops reading early does not wait for it.
  ended.catch(() => {});
  try {
    for await (const line of createInterface({ input: child.stdout })) {
      const instruction = parseInstruction(line);
      if (instruction !== undefined) yield instruction;
    }
    const status = await ended;
    if (status === 127) throw new EnvironmentError('objdump is not installed (Debian package binutils).');
    if (status !== 0) throw new UserError(`objdump ${file}: ended with status ${status}. ${words.trim()}`);
  } finally {
    child.kill('SIGKILL');
  }
}
