import { messageOf } from '../errors.ts';

function exitCodeOf(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('exitCode' in error)) return undefined;
  return typeof error.exitCode === 'number' ? error.exitCode : undefined;
}

/**
 * Runs a command. An error meant for the user is printed as its text and ends the process with its exit code; any other
 * is a fault of ours and is printed whole, with exit code 70 (EX_SOFTWARE).
 */
export async function runCommand(main: () => Promise<number>): Promise<void> {
  try {
    process.exitCode = await main();
  } catch (error) {
    const code = exitCodeOf(error);
    if (code === undefined) {
      process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : messageOf(error)}\n`);
      process.exitCode = 70;
    } else {
      process.stderr.write(`${messageOf(error)}\n`);
      process.exitCode = code;
    }
  }
}
