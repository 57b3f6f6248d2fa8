import { readFileSync } from 'node:fs';
import { CorruptDatasetError } from '@plumbline/datasets';
import { Command } from 'commander';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { explainFailure, ReportError } from './index.ts';

let printed: string;
beforeEach(() => {
  printed = '';
  const keep = (text: string | Uint8Array) => {
    printed += String(text);
    return true;
  };
  vi.spyOn(process.stderr, 'write').mockImplementation(keep);
  vi.spyOn(process.stdout, 'write').mockImplementation(keep);
});
afterEach(() => vi.restoreAllMocks());

function thrownBy(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}

describe('a failed command', () => {
  it.each([
    ['nothing recorded', () => new ReportError('no recorded runs', 66), 66, 'no recorded runs\n'],
    ['a corrupt dataset', () => new CorruptDatasetError('a.jsonl', 3, 'field x'), 65, 'a.jsonl:3: field x\n'],
    ['the file system', () => thrownBy(() => readFileSync('/nowhere/at/all')), 74, /ENOENT.*\/nowhere\/at\/all/],
  ])('says what is wrong: %s', (_, error, code, text) => {
    expect(explainFailure(error())).toBe(code);
    expect(printed).toMatch(text);
  });

  it.each([
    [['--help'], 0],
    [['--bogus'], 64],
    [['too', 'much'], 64],
  ])('says nothing more than commander has: %s', (argv, code) => {
    const error = thrownBy(() =>
      new Command('x').allowExcessArguments(false).exitOverride().parse(argv, { from: 'user' }),
    );
    const before = printed;
    expect(before).not.toBe('');
    expect(explainFailure(error)).toBe(code);
    expect(printed).toBe(before);
  });

  it('goes on failing when it is our fault', () => {
    const fault = new TypeError('undefined is not a function');
    expect(() => explainFailure(fault)).toThrow(fault);
    expect(printed).toBe('');
  });
});
