/** A kind of files that no program needs to run, or that means nothing in a machine that runs one program. */
export interface LeftOutKind {
  readonly name: string;
  readonly patterns: readonly RegExp[];
}

/** What images leave out, the first that matches. Paths as in {@link PackageFile}. */
export const LEFT_OUT: readonly LeftOutKind[] = [
  {
    name: 'documentation',
    patterns: [
      /^usr\/share\/(doc|man|info|doc-base|gtk-doc|common-licenses|ri)\//,
      /^usr\/share\/perl\/[^/]+\/pod\//,
      /\.pod$/,
    ],
  },
  {
    name: 'translations',
    patterns: [/^usr\/share\/locale\//, /^usr\/share\/i18n\//],
  },
  {
    name: 'headers and static libraries',
    patterns: [/^usr\/include\//, /\.(a|la|o)$/, /^usr\/(lib|share)\/(.*\/)?(pkgconfig|cmake|aclocal)\//],
  },
  {
    name: 'services',
    patterns: [
      /^etc\/(init\.d|init|rc\w\.d|default|cron\.[a-z]+|logrotate\.d|logcheck|apparmor\.d|pam\.d|systemd|xdg)\//,
      /^usr\/lib\/(systemd|tmpfiles\.d|sysusers\.d|udev|modules-load\.d)\//,
    ],
  },
  {
    name: 'packaging',
    patterns: [
      /^usr\/share\/(lintian|linda|bug|reportbug|apport|debconf|python3\/runtime\.d|debhelper|menu)\//,
      /^usr\/share\/(base-files|base-passwd|libc-bin|perl5\/Debian)\//,
    ],
  },
  {
    name: 'desktop and shell integration',
    patterns: [
      /^usr\/share\/(applications|icons|pixmaps|metainfo|appdata|bash-completion|zsh|fish|mime-info)\//,
      /^etc\/bash_completion\.d\//,
    ],
  },
  // No package has them: Python writes them beside its modules when a program runs from the unpacked package.
  { name: "Python's compiled modules", patterns: [/(^|\/)__pycache__\//] },
  // glibc converts between UTF-8, UTF-16, UCS-4 and ASCII by itself; these are modules for iconv(3) with other charsets.
  { name: "glibc's character set modules", patterns: [/^usr\/lib\/[^/]+\/gconv\//] },
];

/** The kind of files that a path belongs to, when images leave it out. */
export function leftOutKind(path: string): string | undefined {
  return LEFT_OUT.find(({ patterns }) => patterns.some((pattern) => pattern.test(path)))?.name;
}
