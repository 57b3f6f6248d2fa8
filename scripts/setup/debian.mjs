import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { DEBIAN_PACKAGES, GROUPS } from './packages.mjs';
import { SetupError } from './setup-error.mjs';

/** Packages of a command, by name, in a fixed order. */
export function packagesOf(command) {
  return (GROUPS[command] ?? []).flatMap((group) => Object.keys(DEBIAN_PACKAGES[group]));
}

/** The packages of the list that dpkg does not report as installed. */
export function missingPackages(names) {
  if (names.length === 0) return [];
  // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg-query's own placeholders
  const format = '${Package}\\t${db:Status-Status}\\n';
  const query = spawnSync('dpkg-query', ['-W', '-f', format, ...names], {
    encoding: 'utf8',
  });
  if (query.error !== undefined) {
    throw new SetupError(
      `dpkg-query cannot be run (${query.error.message}). Plumbline sets itself up on Debian 12; elsewhere install the counterparts of: ${names.join(' ')}`,
    );
  }
  const installed = new Set(
    query.stdout
      .split('\n')
      .map((line) => line.split('\t'))
      .filter(([, status]) => status === 'installed')
      .map(([name]) => name),
  );
  return names.filter((name) => !installed.has(name));
}

function apt(args) {
  const result = spawnSync('apt-get', args, {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
  if (result.error !== undefined) throw new SetupError(`apt-get cannot be run: ${result.error.message}`);
  return result.status;
}

/**
 * Installs what a command needs and the machine lacks: as root with apt-get, otherwise it prints the one command that
 * does it and stops. PLUMBLINE_SETUP=off skips the check (for systems without dpkg).
 */
export async function ensureDebianPackages(command) {
  if (process.env.PLUMBLINE_SETUP === 'off') return;
  const missing = missingPackages(packagesOf(command));
  if (missing.length === 0) return;
  const install = ['install', '--yes', '--no-install-recommends', ...missing];
  const byHand = `sudo apt-get update && sudo apt-get ${install.join(' ')}`;
  if (process.getuid?.() !== 0) {
    throw new SetupError(
      `these Debian packages are missing: ${missing.join(' ')}\nInstall them with this command, then run again:\n\n  ${byHand}\n`,
    );
  }
  if (!existsSync('/usr/bin/apt-get')) throw new SetupError(`apt-get is missing; install: ${missing.join(' ')}`);
  console.error(`plumbline: installing Debian packages: ${missing.join(' ')}`);
  if (apt(['update']) !== 0) console.error('plumbline: apt-get update failed; trying with the lists at hand');
  if (apt(install) !== 0) {
    throw new SetupError(`apt-get could not install the packages (its message is above). By hand:\n\n  ${byHand}\n`);
  }
  const still = missingPackages(missing);
  if (still.length > 0) throw new SetupError(`still missing after the installation: ${still.join(' ')}`);
}
