/** Seconds as people say them: "3 min 20 s". */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, '0')} s`;
}

/** Estimates the time left from what was planned and what it really took so far. */
export class TimeLeft {
  private plannedDone = 0;
  private readonly planned: number;
  private readonly started: number;
  private readonly now: () => number;

  /** @param planned seconds in all. @param now a clock in ms. */
  constructor(planned: number, now: () => number = () => performance.now()) {
    this.planned = planned;
    this.now = now;
    this.started = now();
  }

  /** A part that was planned to take so many seconds is done. */
  finish(seconds: number): void {
    this.plannedDone += seconds;
  }

  /** Seconds left. The plan counts as 20 s of experience, so that the first boots do not decide alone. */
  seconds(): number {
    const elapsed = (this.now() - this.started) / 1000;
    const pace = (elapsed + 20) / (this.plannedDone + 20);
    return Math.max(0, (this.planned - this.plannedDone) * pace);
  }
}
