/** One Debian package as it was used, for a sample's provenance. */
export interface PackageProvenance {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  /** SHA-256 of the `.deb` file, hexadecimal. */
  readonly sha256: string;
  /** False when the version in `packages.lock.json` was no longer offered and the current candidate was used. */
  readonly locked: boolean;
}
