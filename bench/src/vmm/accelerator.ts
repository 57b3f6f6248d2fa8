import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { EnvironmentError, messageOf, UsageError } from '../errors.ts';

/** How a guest's instructions are executed, by the names of the dataset. */
export type GuestAccelerator = 'kvm' | 'kvm_pvm' | 'tcg';
/** What a user can ask for. */
export type AcceleratorRequest = 'auto' | 'kvm' | 'tcg';
export const ACCELERATOR_REQUESTS: readonly AcceleratorRequest[] = ['auto', 'kvm', 'tcg'];

/** What was chosen and why, in a sentence for the user. */
export interface AcceleratorChoice {
  readonly accelerator: GuestAccelerator;
  readonly reason: string;
}

/** Where the host shows what it has; replaced in tests. */
export interface AcceleratorPaths {
  readonly device: string;
  readonly pvmModule: string;
}
const HOST_PATHS: AcceleratorPaths = { device: '/dev/kvm', pvmModule: '/sys/module/kvm_pvm' };

/** The device number of KVM (misc device 232, include/linux/miscdevice.h). */
const KVM_DEVICE = { major: 10, minor: 232 };

/** Why KVM cannot be used, or undefined when it can. */
function kvmObstacle(device: string): string | undefined {
  if (!existsSync(device)) {
    return `${device} does not exist. Load the kvm module (modprobe kvm_intel or kvm_amd), or enable virtualisation in the firmware or nested virtualisation in the cloud's settings`;
  }
  const { rdev } = statSync(device);
  const major = (rdev >> 8) & 0xfff;
  const minor = (rdev & 0xff) | ((rdev >> 12) & 0xfff00);
  if (major !== KVM_DEVICE.major || minor !== KVM_DEVICE.minor) return `${device} is not the KVM device`;
  try {
    accessSync(device, constants.R_OK | constants.W_OK);
  } catch (error) {
    return `no permission for ${device} (${messageOf(error)}). Add yourself to its group: sudo usermod -aG kvm $USER, then log in again`;
  }
  return undefined;
}

/** Parses the value of --accel. */
export function parseAcceleratorRequest(value: string): AcceleratorRequest {
  const request = ACCELERATOR_REQUESTS.find((candidate) => candidate === value);
  if (!request) throw UsageError.badValue('--accel', value, ACCELERATOR_REQUESTS.join(', '));
  return request;
}

/**
 * Chooses the accelerator for guests on this host and says why.
 * @throws EnvironmentError when KVM is asked for and cannot be used.
 */
export function chooseAccelerator(request: AcceleratorRequest, paths = HOST_PATHS): AcceleratorChoice {
  if (request === 'tcg') return { accelerator: 'tcg', reason: 'TCG, as asked for' };
  const obstacle = kvmObstacle(paths.device);
  if (obstacle !== undefined) {
    if (request === 'kvm') throw new EnvironmentError(`--accel kvm: ${obstacle}; or use --accel tcg.`);
    return { accelerator: 'tcg', reason: `TCG, because KVM cannot be used: ${obstacle}` };
  }
  if (existsSync(paths.pvmModule)) {
    return {
      accelerator: 'kvm_pvm',
      reason:
        'kvm_pvm (KVM without VMX or SVM): Linux guests cannot run on it, so Linux is measured as processes of the host, and its instructions under TCG',
    };
  }
  return { accelerator: 'kvm', reason: 'KVM on this processor: Linux is measured as a guest beside ours' };
}
