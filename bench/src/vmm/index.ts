export * from './accelerator.ts';
export { allowedCpus, type Cores, chooseCores, parseCpuList, pinProcess, pinThread } from './cores.ts';
export { decodeExit, type GuestExit, type GuestExitKind, lastLines, panicText } from './exit.ts';
export { type GuestCommand, guestCommand, type LaunchOptions, launchGuest, type RunningGuest } from './guest.ts';
export {
  type Firmware,
  GUEST_ADDRESS,
  GUEST_MAC,
  type GuestConfig,
  MACHINES,
  type Machine,
  qemuArguments,
  type UserNetwork,
  type VhostUserNetwork,
} from './machine.ts';
export type { BootModules } from './modules.ts';
export {
  PROGRAM_MEMORY,
  type ProgramBoot,
  type ProgramEnd,
  type ProgramResult,
  programConfig,
  programEnd,
  runProgram,
  shellStatus,
} from './program.ts';
export { QmpClient, QmpError } from './qmp.ts';
export { closeOnSignal, Resources } from './run-directory.ts';
