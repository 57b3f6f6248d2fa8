import type { SubjectId } from '@plumbline/datasets';
import { type Figure, seriesKey } from './figure.ts';

/** How one subject and variant looks in every chart: a colour, and a shape for who cannot tell the colours apart. */
export type Series = {
  key: string;
  subject: SubjectId;
  variant: string;
  label: string;
  /** 0 to 7: the custom property `--series-N`. */
  colour: number;
  /** 0 to 6: d3's symbols. */
  symbol: number;
  /** Limited by guest and generator together: never a guest's rate. */
  limit: boolean;
};

const SUBJECT_ORDER: readonly SubjectId[] = ['plumbline', 'plumbline-unmodified', 'echo', 'linux-host', 'linux-guest'];
/** Subjects keep their colours from report to report; further variants take what is left. */
const SUBJECT_STYLE: Record<SubjectId, { colour: number; symbol: number }> = {
  plumbline: { colour: 0, symbol: 0 },
  'plumbline-unmodified': { colour: 4, symbol: 4 },
  echo: { colour: 7, symbol: 1 },
  'linux-host': { colour: 1, symbol: 3 },
  'linux-guest': { colour: 2, symbol: 2 },
};
const SPARE_STYLES = [
  { colour: 3, symbol: 5 },
  { colour: 5, symbol: 6 },
  { colour: 6, symbol: 4 },
  { colour: 4, symbol: 1 },
];

/** Every series of a set of figures, in the order of subjects, the default variant first. */
export function seriesOf(figures: readonly Figure[]): Series[] {
  const seen = new Map<string, Figure>();
  for (const figure of figures) if (!seen.has(seriesKey(figure))) seen.set(seriesKey(figure), figure);
  const isDefault = (figure: Figure) => (figure.variant.name === 'default' ? 0 : 1);
  const ordered = [...seen.values()].sort(
    (a, b) =>
      SUBJECT_ORDER.indexOf(a.subject) - SUBJECT_ORDER.indexOf(b.subject) ||
      isDefault(a) - isDefault(b) ||
      (a.variant.name < b.variant.name ? -1 : 1),
  );
  const styled = new Set<SubjectId>();
  let spare = 0;
  return ordered.map((figure) => {
    const first = !styled.has(figure.subject);
    styled.add(figure.subject);
    const style = first ? SUBJECT_STYLE[figure.subject] : SPARE_STYLES[spare++ % SPARE_STYLES.length];
    const plain =
      first &&
      (figure.variant.name === 'default' || ordered.every((o) => o === figure || o.subject !== figure.subject));
    return {
      key: seriesKey(figure),
      subject: figure.subject,
      variant: figure.variant.name,
      label: plain ? figure.subject : `${figure.subject} · ${figure.variant.name}`,
      colour: style?.colour ?? 0,
      symbol: style?.symbol ?? 0,
      limit: figure.subject === 'echo',
    };
  });
}

/** What readers call a figure's series. */
export function seriesLabelOf(series: readonly Series[], figure: Figure): string {
  return series.find((s) => s.key === seriesKey(figure))?.label ?? seriesKey(figure);
}

/** Orders figures as their series stand in legends. */
export function bySeries(series: readonly Series[]): (a: Figure, b: Figure) => number {
  const place = (f: Figure) => series.findIndex((s) => s.key === seriesKey(f));
  return (a, b) => place(a) - place(b);
}
