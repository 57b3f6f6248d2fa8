import { describe, expect, it } from 'vitest';
import { readMaintainerScript, resolveAlternatives } from './maintainer-script.ts';

describe('readMaintainerScript', () => {
  it('finds links, those of slaves too, over several lines and with variables', () => {
    const { alternatives } = readMaintainerScript(`#!/bin/sh -e
version=5.4
case "$1" in
    configure)
        update-alternatives \\
            --install /usr/bin/lua lua-interpreter "/usr/bin/lua$version" 20 \\
            --slave /usr/share/man/man1/lua.1.gz lua-manual \\
                /usr/share/man/man1/lua\${version}.1.gz
        ;;
esac
if [ "$1" = configure ]; then update-alternatives --install /usr/bin/x x /usr/bin/y 7; fi
`);
    expect(alternatives).toEqual([
      { link: '/usr/bin/lua', path: '/usr/bin/lua5.4', priority: 20 },
      { link: '/usr/share/man/man1/lua.1.gz', path: '/usr/share/man/man1/lua5.4.1.gz', priority: 20 },
      { link: '/usr/bin/x', path: '/usr/bin/y', priority: 7 },
    ]);
  });

  it('says what it cannot tell, and what else would have been done', () => {
    const reading = readMaintainerScript(`#!/bin/sh
# adduser in a comment
update-alternatives --install /usr/bin/a a "$(find_it)" 10
adduser --system memcache >/dev/null
echo adduser
mkdir -p /var/lib/x && chown x /var/lib/x
`);
    expect(reading.alternatives).toEqual([]);
    expect(reading.notDone).toEqual([
      'update-alternatives --install /usr/bin/a a $(find_it) 10',
      'adduser --system memcache >/dev/null',
      'mkdir -p /var/lib/x',
      'chown x /var/lib/x',
    ]);
  });

  it('does not read programs of other kinds', () => {
    expect(readMaintainerScript('#!/usr/bin/perl\nsystem("x");\n')).toEqual({
      alternatives: [],
      notDone: ['#!/usr/bin/perl'],
    });
    expect(readMaintainerScript('')).toEqual({ alternatives: [], notDone: [] });
  });
});

describe('resolveAlternatives', () => {
  it('takes the highest priority of the files that exist', () => {
    const links = resolveAlternatives(
      [
        { link: '/usr/bin/awk', path: '/usr/bin/original-awk', priority: 0 },
        { link: '/usr/bin/awk', path: '/usr/bin/mawk', priority: 5 },
        { link: '/usr/bin/awk', path: '/usr/bin/gawk', priority: 10 },
        { link: '/usr/bin/vi', path: '/usr/bin/vim', priority: 1 },
      ],
      (path) => /mawk|original/.test(path),
    );
    expect([...links]).toEqual([['/usr/bin/awk', '/usr/bin/mawk']]);
  });
});
