export {
  type GuestNetwork,
  type LinuxGuestOptions,
  linuxGuestArguments,
  linuxGuestCommandLine,
} from './guest-arguments.ts';
export { buildLinuxGuestImage, type LinuxGuestImage, type LinuxGuestImageOptions } from './guest-image.ts';
export { linuxProgramArchive } from './guest-program.ts';
export {
  type HostServer,
  type LinuxHost,
  LinuxHostError,
  type LinuxHostOptions,
  type LinuxHostSupport,
  linuxHostSupport,
  type ServerCpuTime,
  startLinuxHost,
} from './host.ts';
export { hostCommand } from './host-command.ts';
export { PROGRAM_LOADER, sharedLibraries } from './shared-libraries.ts';
