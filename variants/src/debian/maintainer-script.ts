/** A link that `update-alternatives --install` makes (update-alternatives(1)). */
export interface Alternative {
  /** The generic name, such as `/usr/bin/lua-interpreter`. */
  readonly link: string;
  /** The file that it leads to. */
  readonly path: string;
  readonly priority: number;
}

/** What reading a maintainer script found. */
export interface ScriptReading {
  readonly alternatives: readonly Alternative[];
  /** Commands with an effect beyond packaging, as written, that an image goes without. */
  readonly notDone: readonly string[];
}

/** The commands of a script: lines joined at backslashes, without comments and blanks at the ends. */
function commandLines(script: string): string[] {
  return script
    .replace(/\\\n/g, ' ')
    .split('\n')
    .flatMap((line) => line.split(/;;|&&|\|\||;/))
    .map((line) => line.replace(/^\s*#.*/, '').trim())
    .filter((line) => line !== '');
}

/** Values of variables that are set to a constant, `name=value`; of several settings the last counts. */
function constants(lines: readonly string[]): Map<string, string> {
  const values = new Map<string, string>();
  for (const line of lines) {
    const match = /^(?:local\s+|export\s+)?(\w+)=(["']?)([\w./+:-]*)\2$/.exec(line);
    if (match) values.set(match[1] as string, match[3] as string);
  }
  return values;
}

function words(line: string, variables: ReadonlyMap<string, string>): string[] {
  return line
    .split(/\s+/)
    .map((word) => word.replace(/["']/g, ''))
    .map((word) => word.replace(/\$\{?(\w+)\}?/g, (whole, name: string) => variables.get(name) ?? whole));
}

/** The links of one command: `--install link name path priority`, and `--slave link name path` any number of times. */
function alternativesOf(argv: readonly string[]): Alternative[] {
  const install = argv.indexOf('--install');
  const [link, , path, priority] = argv.slice(install + 1);
  if (install < 0 || link === undefined || path === undefined || !/^-?\d+$/.test(priority ?? '')) return [];
  const found = [{ link, path, priority: Number(priority) }];
  for (let at = install + 5; at < argv.length; at++) {
    if (argv[at] !== '--slave') continue;
    const [slaveLink, , slavePath] = argv.slice(at + 1);
    if (slaveLink !== undefined && slavePath !== undefined) {
      found.push({ link: slaveLink, path: slavePath, priority: Number(priority) });
    }
  }
  // An unknown variable in a path: the link cannot be told.
  return found.filter((item) => /^\/[^$`*]*$/.test(item.link) && /^\/[^$`*]*$/.test(item.path));
}

/** Commands of maintainer scripts that change the system in ways a program could notice. */
const EFFECTS =
  /^(?:\/\S+\/)?(adduser|addgroup|useradd|groupadd|deluser|ldconfig|mkdir|install|chown|chmod|ln|touch|cp|mv|py3compile|update-mime-database|fc-cache|update-ca-certificates|dpkg-statoverride|update-rc\.d|deb-systemd-helper|systemctl|invoke-rc\.d|locale-gen|update-locale)\b/;

/**
 * Reads what a package's `postinst` would do; the script is never run. Understood are commands on lines of their own with
 * constant words and variables set to constants.
 */
export function readMaintainerScript(script: string): ScriptReading {
  // A maintainer script may be a program of any kind.
  if (!/^#!\s*\S*\/(env\s+)?(ba|da)?sh\b/.test(script)) {
    return { alternatives: [], notDone: script === '' ? [] : [script.slice(0, 60).split('\n')[0] ?? ''] };
  }
  const lines = commandLines(script);
  const variables = constants(lines);
  const alternatives: Alternative[] = [];
  const notDone = new Set<string>();
  for (const line of lines) {
    const argv = words(line.replace(/^(if|then|else|elif|do|!)\s+/, ''), variables);
    const command = argv[0] ?? '';
    if (/(^|\/)update-alternatives$/.test(command)) {
      const found = alternativesOf(argv);
      alternatives.push(...found);
      if (found.length === 0 && argv.includes('--install')) notDone.add(argv.join(' '));
    } else if (EFFECTS.test(argv.join(' '))) {
      notDone.add(argv.join(' '));
    }
  }
  return { alternatives, notDone: [...notDone] };
}

/**
 * The links that hold when all these are installed: for each name the file with the highest priority that exists, of equal
 * ones the first.
 */
export function resolveAlternatives(
  alternatives: readonly Alternative[],
  exists: (path: string) => boolean,
): Map<string, string> {
  const best = new Map<string, Alternative>();
  for (const item of alternatives) {
    if (!exists(item.path)) continue;
    const other = best.get(item.link);
    if (other === undefined || item.priority > other.priority) best.set(item.link, item);
  }
  return new Map([...best.values()].map(({ link, path }) => [link, path]));
}
