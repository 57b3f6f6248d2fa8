import type { HostState } from '@plumbline/datasets';
import { type HostLoad, readHostLoad, stealShare } from 'perf-hooks-extra';

/** Watches load and steal of the host; each reading covers the time since the one before. */
export class HostWatch {
  private last: HostLoad = readHostLoad();

  read(): HostState {
    const now = readHostLoad();
    const state = { load: now.load1, steal: stealShare(this.last.times, now.times) };
    this.last = now;
    return state;
  }
}
