import type { PackageProvenance } from '../debian/fetch.ts';

/** A Linux guest that can be booted: Debian's cloud kernel and an initramfs of ours with Debian's memcached in it. */
export interface LinuxGuestImage {
  /** Path of the kernel (a bzImage, for QEMU's `-kernel`). */
  readonly kernel: string;
  /** Path of the uncompressed initramfs (for `-initrd`). */
  readonly initramfs: string;
  /** The kernel's release, such as `6.1.0-56-cloud-amd64`. */
  readonly release: string;
  /** SHA-256 over kernel and initramfs, hexadecimal: the image's identity in a sample's provenance. */
  readonly buildId: string;
  /** Size of kernel and initramfs together. */
  readonly bytes: number;
  readonly packages: readonly PackageProvenance[];
  /** Lines the user should see, for example that a locked version was gone. */
  readonly notices: readonly string[];
}

/** How to build the guest. */
export interface LinuxGuestImageOptions {
  /** Called with one line for every longer step. */
  readonly onProgress?: (line: string) => void;
  readonly signal?: AbortSignal;
}

/**
 * Fetches the packages (cached) and builds the image (cached by content, below `build/images/`).
 * @throws DebianFetchError offline with an empty cache, or without apt.
 */
export async function buildLinuxGuestImage(_options: LinuxGuestImageOptions = {}): Promise<LinuxGuestImage> {
  throw new Error('not yet');
}
