import { Command, CommanderError } from 'commander';
import { UsageError } from '../errors.ts';

/** A command whose wrong options become a {@link UsageError}; --help prints and ends with 0. */
export function command(name: string, description: string): Command {
  return new Command(`npm run ${name} --`)
    .description(description)
    .allowExcessArguments(false)
    .configureOutput({ writeErr: () => {} })
    .exitOverride();
}

/** Parses the process's arguments. @returns false when only help was asked for. */
export function parseArguments(program: Command, argv: readonly string[]): boolean {
  try {
    program.parse(argv, { from: 'user' });
    return true;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.code === 'commander.helpDisplayed') return false;
    throw new UsageError(`${error.message.replace(/^error: /, '')}\nSee: ${program.name()} --help`);
  }
}

/** An option's value as an integer in a range. */
export function integer(option: string, minimum: number, maximum: number): (value: string) => number {
  return (value) => {
    const number = /^\d+$/.test(value) ? Number(value) : Number.NaN;
    if (!(number >= minimum && number <= maximum)) {
      throw UsageError.badValue(option, value, `a whole number from ${minimum} to ${maximum}`);
    }
    return number;
  };
}

/** An option's value as a number of bytes: digits with K, M or G (powers of 1024), M when there is none. */
export function bytes(option: string, minimum: number, maximum: number): (value: string) => number {
  const factors: Record<string, number> = { K: 1024, M: 1024 ** 2, G: 1024 ** 3, '': 1024 ** 2 };
  return (value) => {
    const match = /^(\d+)([KMG]?)$/i.exec(value);
    const number = match ? Number(match[1]) * (factors[(match[2] ?? '').toUpperCase()] ?? Number.NaN) : Number.NaN;
    if (!(number >= minimum && number <= maximum)) {
      throw UsageError.badValue(
        option,
        value,
        `a size from ${minimum / 1024}K to ${maximum / 1024 ** 3}G, such as 64M`,
      );
    }
    return number;
  };
}

/** A comma-separated or repeated option, collected. */
export function list(value: string, before: readonly string[] = []): string[] {
  return [...before, ...value.split(',').filter((item) => item !== '')];
}
