export { histogramOfEntries } from './histogram.ts';
export {
  type HostCpuTimes,
  type HostLoad,
  parseHostCpuTimes,
  parseLoadAverage,
  readHostLoad,
  stealShare,
} from './host.ts';
export {
  cpuTimeBetween,
  parseThreadSchedstat,
  parseThreadStat,
  parseThreadStatus,
  readThread,
  readThreads,
  type ThreadTimes,
} from './threads.ts';
