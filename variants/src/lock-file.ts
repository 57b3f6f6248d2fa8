import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';

/** A lock file that was taken, or the process that has it. */
export type LockAttempt = { readonly release: () => void } | { readonly holder: number };

/** The lock files this process has; another one with its number in it is left over from an earlier life of the number. */
const held = new Set<string>();

/** Whether a process of that number exists, whoever owns it. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** When a process began, in clock ticks after the machine did (proc(5), stat, field 22); a number that comes again differs. */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The second field, the program's name in parentheses, may hold spaces and parentheses itself.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}

interface Holder {
  readonly pid: number;
  readonly start: string | undefined;
}

/** The process in a lock file; undefined when the file is gone or names none. */
function readHolder(file: string): Holder | undefined {
  try {
    const [number, start] = readFileSync(file, 'utf8').trim().split(' ');
    const pid = Number(number);
    return Number.isSafeInteger(pid) && pid > 0 ? { pid, start } : undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function holds(file: string, { pid, start }: Holder): boolean {
  if (pid === process.pid) return held.has(file);
  return isAlive(pid) && (start === undefined || start === (startOf(pid) ?? start));
}

/** Makes the file with this process's number in it; false when it is there already. */
function create(file: string): boolean {
  // A link appears with its content; a file made in place would be empty for a moment and look left over.
  const draft = `${file}.${process.pid}.draft`;
  writeFileSync(draft, `${process.pid} ${startOf(process.pid) ?? ''}`.trim());
  try {
    linkSync(draft, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return false;
  } finally {
    rmSync(draft, { force: true });
  }
}

/** Removes a lock file that a dead process left behind, unless somebody has taken the lock meanwhile. */
function removeLeftOver(file: string): void {
  const aside = `${file}.${process.pid}.left-over`;
  try {
    renameSync(file, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  const holder = readHolder(aside);
  if (holder !== undefined && holds(file, holder)) {
    try {
      linkSync(aside, file);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
  rmSync(aside, { force: true });
}

/**
 * Tries to take a lock that one process at a time can have: a file with its number in it. The lock of a process that
 * is no more, however it ended, is free.
 *
 * @param file path of the lock file, in a folder that exists
 * @returns a function that lets go, or the number of the process that has the lock (it may be this one)
 * @throws the file system's error when the file can be neither made nor read
 */
export function takeLockFile(file: string): LockAttempt {
  for (;;) {
    if (create(file)) {
      held.add(file);
      return {
        release: () => {
          held.delete(file);
          if (readHolder(file)?.pid === process.pid) rmSync(file, { force: true });
        },
      };
    }
    const holder = readHolder(file);
    if (holder !== undefined && holds(file, holder)) return { holder: holder.pid };
    removeLeftOver(file);
  }
}
