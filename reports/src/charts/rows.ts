import { type DrawOptions, type Group, isShown, seriesLabel, textWidth, wrapText } from './frame.ts';

/** A heading above rows: `strong` for a group, `quiet` for its details, a colour for a series. */
export type Heading = { text: string; tone: 'strong' | 'quiet' | number };
export type RowGroup<Row> = { headings: readonly Heading[]; rows: readonly Row[] };

/** A chart of labelled rows in groups: where everything is. */
export type RowLayout = {
  /** Where the plot begins and ends. */
  left: number;
  right: number;
  height: number;
  /** Too narrow for a column of labels: each stands above its row. */
  stacked: boolean;
  headings: { text: string; tone: Heading['tone']; y: number }[];
  /** The middle of each row, group by group. */
  rows: number[][];
};

const NARROW = 480;
/** Height of a label that stands above its row. */
const STACKED_LABEL = 15;

/**
 * Places groups of rows below each other. The labels get a column as wide as the longest, or, where that leaves too
 * little for the plot, a line of their own above each row.
 *
 * @param right room kept at the right for values
 */
export function layoutRows(
  groups: readonly RowGroup<{ label: string }>[],
  { width, rowHeight, top, right }: { width: number; rowHeight: number; top: number; right: number },
): RowLayout {
  const longest = Math.max(0, ...groups.flatMap((group) => group.rows.map((row) => textWidth(row.label))));
  const column = longest + 24;
  const stacked = column > width * (width < NARROW ? 0.3 : 0.4);
  let y = top;
  const headings: RowLayout['headings'] = [];
  const rows = groups.map((group) => {
    for (const { text, tone } of group.headings) {
      for (const line of wrapText(text, width, tone === 'quiet' ? 11 : 12)) {
        y += tone === 'quiet' ? 15 : 17;
        headings.push({ text: line, tone, y });
      }
    }
    if (group.headings.length > 0) y += 5;
    const pitch = rowHeight + (stacked ? STACKED_LABEL : 0);
    const middles = group.rows.map((_, i) => y + pitch * i + (stacked ? STACKED_LABEL : 0) + rowHeight / 2);
    y += group.rows.length * pitch + 10;
    return middles;
  });
  return { left: stacked ? 12 : column, right: width - right, height: y, stacked, headings, rows };
}

/** The rows of the series that are shown, with their labels, in groups with their headings; empty groups are left out. */
export function shownGroups<Row extends { key: string }>(
  groups: readonly { label: string; rows: readonly Row[] }[],
  options: DrawOptions,
): (RowGroup<Row & { label: string }> & { label: string })[] {
  return groups
    .map((group) => ({
      label: group.label,
      headings: [{ text: group.label, tone: 'strong' as const }],
      rows: group.rows
        .filter((row) => isShown(options, row.key))
        .map((row) => ({ ...row, label: seriesLabel(options, row.key) })),
    }))
    .filter((group) => group.rows.length > 0);
}

/**
 * Draws headings, labels and rows.
 *
 * @param groups what was laid out
 * @param drawRow draws a row's marks around its middle `y`; `group` counts from 0
 */
export function drawRows<Row extends { key: string; label: string }>(
  root: Group,
  layout: RowLayout,
  groups: readonly { rows: readonly Row[] }[],
  options: DrawOptions,
  drawRow: (row: Row, y: number, group: number) => void,
): void {
  drawHeadings(root, layout);
  groups.forEach((group, g) => {
    group.rows.forEach((row, r) => {
      const y = layout.rows[g]?.[r] ?? 0;
      drawRowLabel(root, layout, row.label, y, options.series.find((s) => s.key === row.key)?.colour ?? 7, row.key);
      drawRow(row, y, g);
    });
  });
}

/** Says below the rows and their axis which side is better; returns the height of all of it. */
export function drawDirection(root: Group, layout: RowLayout, text: string): number {
  root
    .append('text')
    .attr('class', 'quiet small')
    .attr('x', layout.right)
    .attr('y', layout.height + 34)
    .attr('text-anchor', 'end')
    .text(text);
  return layout.height + 46;
}

function drawHeadings(root: Group, layout: RowLayout): void {
  for (const { text, tone, y } of layout.headings) {
    const style = tone === 'strong' ? 'group-title' : tone === 'quiet' ? 'quiet small' : `series-label s${tone}`;
    root.append('text').attr('class', `${style} halo`).attr('x', 0).attr('y', y).text(text);
  }
}

// Writes a row's label in its colour, shortened when it does not fit; the whole of it is in the title.
function drawRowLabel(root: Group, layout: RowLayout, text: string, y: number, colour: number, key: string): void {
  const room = layout.stacked ? layout.right : layout.left - 20;
  const fits = Math.max(4, Math.floor(room / textWidth('m')));
  const shown = text.length > fits + 1 ? `${text.slice(0, fits - 1)}…` : text;
  const label = root
    .append('text')
    .attr('class', `series-label halo s${colour}`)
    .attr('data-series', key)
    .attr('x', layout.stacked ? 0 : 10)
    .attr('y', layout.stacked ? y - STACKED_LABEL : y + 4)
    .text(shown);
  if (shown !== text) label.append('title').text(text);
}
