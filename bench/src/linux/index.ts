export {
  type GuestNetwork,
  type LinuxGuestOptions,
  linuxGuestArguments,
  linuxGuestCommandLine,
  linuxGuestStartedLine,
} from './guest-arguments.ts';
export { buildLinuxGuestImage, type LinuxGuestImage, type LinuxGuestImageOptions } from './guest-image.ts';
export { linuxGuestProgramArguments, linuxProgramArchive } from './guest-program.ts';
export {
  type LinuxHost,
  LinuxHostError,
  type LinuxHostOptions,
  type LinuxHostSupport,
  linuxHostSupport,
  type ServerCpuTime,
  startLinuxHost,
} from './host.ts';
export { PROGRAM_LOADER, sharedLibraries } from './shared-libraries.ts';
