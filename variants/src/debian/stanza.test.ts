import { describe, expect, it } from 'vitest';
import { dependencyClauses, parseStanzas } from './stanza.ts';

describe('parseStanzas', () => {
  it('reads fields, continuation lines and several paragraphs', () => {
    const [first, second] = parseStanzas(
      'Package: a\nDescription: short\n long one\n .\n end\nSize: 5\n\n\nPackage: b\n',
    );
    expect(first?.get('package')).toBe('a');
    expect(first?.get('description')).toBe('short\nlong one\n.\nend');
    expect(first?.get('size')).toBe('5');
    expect(second?.get('package')).toBe('b');
  });
  it('finds nothing in nothing', () => {
    expect(parseStanzas('\n\n')).toEqual([]);
  });
});

describe('dependencyClauses', () => {
  it('gives alternatives without versions, Pre-Depends first', () => {
    const [stanza] = parseStanzas(
      'Package: a\nDepends: libc6 (>= 2.34), x | y [amd64], perl:any\nPre-Depends: init (>= 1)\n',
    );
    expect(dependencyClauses(stanza ?? new Map())).toEqual([['init'], ['libc6'], ['x', 'y'], ['perl']]);
  });
});
