import { describe, expect, it } from 'vitest';
import { EnvironmentError } from '../errors.ts';
import { CommandError, runCommand } from './command.ts';

describe('runCommand', () => {
  it('returns standard output', async () => {
    expect(await runCommand(['printf', '%s', 'a b'], { deadlineMs: 5000 })).toBe('a b');
  });
  it('reports the words and the status of a failure', async () => {
    const failure = runCommand(['ls', '/no such place'], { deadlineMs: 5000 });
    await expect(failure).rejects.toThrow(CommandError);
    await expect(failure).rejects.toThrow(/status 2\n.*\/no such place/);
  });
  it('kills what is late', async () => {
    await expect(runCommand(['sleep', '60'], { deadlineMs: 100 })).rejects.toThrow(/not done within 0.1 s/);
  });
  it('names a program that is missing', async () => {
    await expect(runCommand(['no-such-program-here'], { deadlineMs: 5000 })).rejects.toThrow(EnvironmentError);
  });
});
