/** A wait was longer than allowed. */
export class DeadlineError extends Error {
  constructor(what: string, milliseconds: number) {
    super(`${what}: no result within ${milliseconds / 1000} s`);
    this.name = 'DeadlineError';
  }
}

/**
 * Waits for a promise, but not for ever.
 * @param what named in the error, e.g. "QMP query-cpus-fast".
 * @throws DeadlineError
 */
export async function withDeadline<T>(promise: Promise<T>, milliseconds: number, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new DeadlineError(what, milliseconds)), milliseconds);
  });
  try {
    return await Promise.race([promise, deadline]);
  } finally {
    clearTimeout(timer);
  }
}

/** Resolves after a time. Only for pacing between questions, never for readiness. */
export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
