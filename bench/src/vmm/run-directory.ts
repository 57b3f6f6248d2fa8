import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

type Cleanup = () => void | Promise<void>;

/**
 * What must not outlive its user: processes, sockets, directories. Closed in reverse order of opening, whatever fails.
 */
export class Resources {
  private readonly cleanups: Cleanup[] = [];
  private closing: Promise<void> | undefined;

  /** Adds something to close. Returns a function that closes it now, and only once. */
  defer(cleanup: Cleanup): () => Promise<void> {
    let done = false;
    const once = async (): Promise<void> => {
      if (done) return;
      done = true;
      await cleanup();
    };
    this.cleanups.push(once);
    return async () => {
      const index = this.cleanups.indexOf(once);
      if (index >= 0) this.cleanups.splice(index, 1);
      await once();
    };
  }

  /** A private directory (mode 0700, a short path because UNIX socket paths end at 107 bytes), removed on close. */
  directory(): string {
    const path = mkdtempSync(join(tmpdir(), 'plumbline-'));
    this.defer(() => rmSync(path, { recursive: true, force: true }));
    return path;
  }

  /** Closes everything; the first error is thrown after all had their turn. */
  close(): Promise<void> {
    this.closing ??= this.closeAll().finally(() => {
      this.closing = undefined;
    });
    return this.closing;
  }

  private async closeAll(): Promise<void> {
    let failure: unknown;
    for (let cleanup = this.cleanups.pop(); cleanup; cleanup = this.cleanups.pop()) {
      try {
        await cleanup();
      } catch (error) {
        failure ??= error;
      }
    }
    if (failure !== undefined) throw failure;
  }
}

const SIGNALS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;

/**
 * Closes the resources when the user ends the program, then exits with 128 + the signal's number (130 for Ctrl-C).
 * A second signal does not wait. Children are also bound to our life by the kernel (`boundToUs`), so that
 * even SIGKILL leaves none.
 * @returns a function that takes the handlers off again.
 */
export function closeOnSignal(resources: Resources, announce: (signal: string) => void): () => void {
  let closing = false;
  const handlers = Object.entries(SIGNALS).map(([signal, number]) => {
    const handler = (): void => {
      if (closing) process.exit(128 + number);
      closing = true;
      announce(signal);
      const force = setTimeout(() => process.exit(128 + number), 5_000);
      force.unref();
      resources.close().finally(() => process.exit(128 + number));
    };
    process.on(signal, handler);
    return () => process.off(signal, handler);
  });
  return () => {
    for (const remove of handlers) remove();
  };
}
