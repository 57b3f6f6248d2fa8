import type { Failure, Provenance } from '@plumbline/datasets';
import { formatBytes, formatNumber, formatShare } from '../model/format.ts';
import { parametersLabel } from '../model/point-label.ts';
import type { Report } from '../model/report.ts';
import { html, type Markup } from './markup.ts';

function unique(values: readonly string[]): string {
  return [...new Set(values.filter((value) => value !== ''))].join(', ') || '–';
}

function hostMarkup(records: readonly Provenance[], report: Report): Markup {
  const host = records[0]?.host;
  if (host === undefined) return html``;
  const revision = (r: Provenance) =>
    `${r.repository.revision.slice(0, 12)}${r.repository.dirty ? ' with uncommitted changes' : ''}`;
  const packages = records.flatMap((r) => Object.entries(r.packages).map(([name, version]) => `${name} ${version}`));
  const rows: [string, string][] = [
    ['Processor', `${host.cpuModel}, ${host.cpus} CPUs`],
    ['Memory', formatBytes(host.memoryBytes)],
    [
      'Host kernel',
      `${host.kernel} (${host.virtualisation === 'none' ? 'on hardware' : `itself virtualised: ${host.virtualisation}`})`,
    ],
    ['Accelerators', unique(records.map((r) => r.accelerator))],
    ['VMM', unique(records.map((r) => r.vmm).filter((vmm) => vmm !== 'none'))],
    ['Kernels under test', unique(records.map((r) => r.kernelBuildId))],
    ['Images', unique(records.map((r) => r.imageBuildId))],
    ['Versions', unique(packages)],
    ['Node.js', unique(records.map((r) => r.node))],
    ['Revision', unique(records.map(revision))],
    ['Seeds', unique(records.map((r) => String(r.seed)))],
    [
      'Load and steal',
      report.load === null
        ? 'not recorded'
        : `load at most ${formatNumber(report.load.most)}, steal at most ${formatShare(report.load.steal)}`,
    ],
  ];
  return html`<div class="card"><h3>Host <code>${host.id}</code></h3><dl>${rows.map(([term, text]) => html`<dt>${term}</dt><dd>${text}</dd>`)}</dl></div>`;
}

function failureMarkup(failure: Failure): Markup {
  const what = [failure.subject, failure.variant.name, failure.workload, parametersLabel(failure.parameters)]
    .filter((x) => x !== '')
    .join(', ');
  return html`<h3>${what} <span class="quiet small">· ${failure.accelerator}, boot ${failure.boot.index + 1}</span></h3>
    <p>${failure.reason}</p>${failure.console === undefined ? null : html`<details><summary>console</summary><pre>${failure.console}</pre></details>`}`;
}

/** What failed. Nothing when nothing did. */
export function failuresMarkup(report: Report): Markup {
  if (report.failures.length === 0) return html``;
  const count = report.failures.length;
  return html`<section id="failures"><h2>${count} boot${count === 1 ? '' : 's'} gave no figure</h2>${report.failures.map(failureMarkup)}</section>`;
}

/** Where the figures come from: hosts, versions, seeds, commands. */
export function provenanceMarkup(report: Report): Markup {
  const hosts = new Map<string, Provenance[]>();
  for (const record of report.provenance) hosts.set(record.host.id, [...(hosts.get(record.host.id) ?? []), record]);
  const runs = report.runs.map(
    (run) =>
      html`<li><code>${run.run}</code>, ${run.time.replace('T', ' ').slice(0, 16)} UTC: <code>${run.command.join(' ')}</code> (seed ${run.seed}${run.quick ? ', quick' : ''})</li>`,
  );
  return html`<section id="provenance"><h2>Where the figures come from</h2>
    ${runs.length === 0 ? null : html`<ul>${runs}</ul>`}
    ${hosts.size === 0 ? html`<p>No provenance was recorded for these samples.</p>` : [...hosts.values()].map((records) => hostMarkup(records, report))}</section>`;
}
