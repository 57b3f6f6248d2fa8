import { describe, expect, it } from 'vitest';
import { PackageIndex } from './package-index.ts';
import { closureOf, resolveDependencies } from './resolve.ts';

function stanza(name: string, fields: Record<string, string> = {}): string {
  const all = { Package: name, Version: '1', Architecture: 'amd64', SHA256: 'a'.repeat(64), ...fields };
  return Object.entries(all)
    .map(([field, value]) => `${field}: ${value}`)
    .join('\n');
}

const index = new PackageIndex(
  [
    stanza('program', {
      Depends: 'libone (>= 1), debconf | debconf-2.0, virtual, first | second',
      'Pre-Depends': 'pre',
    }),
    stanza('libone', { Depends: 'libtwo', Source: 'one (1.2)' }),
    stanza('libtwo', { Depends: 'libone' }),
    stanza('pre', { Depends: 'second' }),
    stanza('first'),
    stanza('second'),
    stanza('real', { Provides: 'virtual (= 3), other' }),
    stanza('broken', { Depends: 'nowhere | no-more' }),
  ].join('\n\n'),
);
const names = (packages: readonly { name: string }[]) => packages.map(({ name }) => name);

describe('resolveDependencies', () => {
  it('follows Depends and Pre-Depends, cycles too, but not into maintenance', () => {
    const packages = resolveDependencies(index, ['program']);
    expect(names(packages)).toEqual(['first', 'libone', 'libtwo', 'pre', 'program', 'real', 'second']);
    expect(packages.find(({ name }) => name === 'program')?.depends).toEqual(['first', 'libone', 'pre', 'real']);
    expect(packages.find(({ name }) => name === 'libone')?.source).toBe('one');
  });
  it('takes an alternative that is there already', () => {
    expect(names(resolveDependencies(index, ['second', 'program']))).not.toContain('first');
  });
  it('names what is not offered', () => {
    expect(() => resolveDependencies(index, ['virtual'])).toThrow(/no Debian package "virtual".*there is real/);
    expect(() => resolveDependencies(index, ['broken'])).toThrow(/broken depends on nowhere \| no-more/);
  });
});

describe('closureOf', () => {
  const packages = resolveDependencies(index, ['program']);
  it('is the part that is needed', () => {
    expect(names(closureOf(packages, ['pre']) ?? [])).toEqual(['pre', 'second']);
  });
  it('is undefined for what is not there', () => {
    expect(closureOf(packages, ['pre', 'broken'])).toBeUndefined();
  });
});
