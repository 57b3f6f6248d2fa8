import { SetupError } from './setup-error.mjs';

const REQUIRED = [20, 19];

/**
 * Refuses a Node that is too old, before anything newer than it is loaded.
 *
 * @param {string} version as process.versions.node gives it
 */
export function requireNode(version = process.versions.node) {
  const [major, minor] = version.split('.').map(Number);
  if (major > REQUIRED[0] || (major === REQUIRED[0] && minor >= REQUIRED[1])) return;
  throw new SetupError(
    `Node ${version} is too old: Plumbline needs Node ${REQUIRED.join('.')} or newer. Install it (for example from your distribution's backports or nodejs.org) and run the command again.`,
  );
}
