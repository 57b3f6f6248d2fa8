export {
  type GuestNetwork,
  type LinuxGuestOptions,
  linuxGuestArguments,
  linuxGuestCommandLine,
  linuxGuestStartedLine,
} from './guest-arguments.ts';
export { buildLinuxGuestImage, type LinuxGuestImage, type LinuxGuestImageOptions } from './guest-image.ts';
export {
  type LinuxHost,
  LinuxHostError,
  type LinuxHostOptions,
  type LinuxHostSupport,
  linuxHostSupport,
  type ServerCpuTime,
  startLinuxHost,
} from './host.ts';
