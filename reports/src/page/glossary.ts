/** The words a reader of the report needs, in the order in which they build on each other. */
export const GLOSSARY: readonly { term: string; meaning: string }[] = [
  {
    term: 'subject',
    meaning:
      'What answered the requests: our kernel (plumbline), an unmodified Linux program on it (plumbline-unmodified), a guest that only sends packets back (echo), or Linux, as a guest (linux-guest) or on the host itself (linux-host).',
  },
  {
    term: 'variant',
    meaning:
      'One choice of implementations and options of a subject; “halt”, for one, sleeps and takes an interrupt where “default” polls first.',
  },
  {
    term: 'accelerator',
    meaning:
      'What executes the guest’s instructions: kvm (hardware virtualisation), kvm_pvm (KVM without it), tcg (QEMU’s emulator), none (a process of the host).',
  },
  {
    term: 'real tier, exact tier',
    meaning:
      'Times and rates are taken under KVM or on the host; instruction counts under TCG, where they repeat almost to the digit. The two are never mixed.',
  },
  {
    term: 'boot',
    meaning:
      'One start of a subject, and the unit of replication: everything measured within one boot is first reduced to one value, because boots differ from each other by more than repetitions within one do.',
  },
  {
    term: 'window',
    meaning: 'How many requests the load generator keeps under way: it sends a new one for each reply.',
  },
  {
    term: 'placement',
    meaning:
      'Where the server’s and the generator’s cores were to each other while measuring: near (two threads of one core), far (two cores), remote (further apart), mixed (it changed). Only equal placements are compared.',
  },
  { term: 'slice', meaning: 'A stretch of about 100 ms of a measurement, labelled with its placement.' },
  {
    term: 'p50, p99, p99.9',
    meaning: 'Percentiles of latency: half, 99 % and 99.9 % of the replies came at least that fast.',
  },
  {
    term: 'disturbed',
    meaning:
      'The host took the processor away in every repetition of the point. Drawn as a cross, compared with nothing.',
  },
  { term: 'client-bound', meaning: 'The load generator was the bottleneck. Drawn as a cross, compared with nothing.' },
  {
    term: 'limit of the pair',
    meaning:
      'The echo guest does no work: its rate is what guest and generator can exchange at most, not a rate of the guest.',
  },
  { term: 'loss', meaning: 'The share of requests that got no reply in time. Throughput counts replies only.' },
  {
    term: '95 % interval',
    meaning:
      'A bias-corrected and accelerated (BCa) bootstrap interval over boots. With five boots it runs from the least to the most, which holds the true median in 93.75 % of cases: no distribution-free interval can promise more. With fewer boots none is given.',
  },
  {
    term: 'times better than Linux',
    meaning:
      'The ratio of two medians, turned so that above 1 is better for the subject: its rate by Linux’s, or Linux’s time, count or size by its own.',
  },
  {
    term: 'p',
    meaning:
      'The two-sided exact permutation test: how often a random division of all boots into two groups differs at least as much as the two subjects do.',
  },
  {
    term: 'verdict',
    meaning:
      'better or worse when p is below 0.05 and the interval leaves out 1; otherwise no difference found; points only with fewer than five boots on a side.',
  },
  {
    term: 'load, steal',
    meaning: 'How busy the host was, and which share of its processor time the machine below it took.',
  },
];
