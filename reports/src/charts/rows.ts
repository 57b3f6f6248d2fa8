import type { Group } from './frame.ts';
import { textWidth, wrapText } from './frame.ts';

/** A chart of labelled rows in groups: where everything is. */
export type RowLayout = {
  /** Where the plot begins and ends. */
  left: number;
  right: number;
  height: number;
  headings: { text: string; y: number }[];
  /** The middle of each row, group by group. */
  rows: number[][];
};

/**
 * Places groups of rows below each other. The labels get the room their longest needs, up to a part of the width.
 *
 * @param groups the heading and the row labels of each group
 * @param right room kept at the right for values
 */
export function layoutRows(
  groups: readonly { label: string; rows: readonly { label: string }[] }[],
  {
    width,
    rowHeight,
    top,
    right,
    indent = 10,
  }: { width: number; rowHeight: number; top: number; right: number; indent?: number },
): RowLayout {
  const longest = Math.max(0, ...groups.flatMap((g) => g.rows.map((row) => textWidth(row.label))));
  const left = Math.min(longest + indent + 14, width * 0.44);
  let y = top;
  const headings: RowLayout['headings'] = [];
  const rows = groups.map((group) => {
    if (group.label !== '') {
      for (const text of wrapText(group.label, width)) {
        y += 17;
        headings.push({ text, y });
      }
      y += 6;
    }
    const middles = group.rows.map((_, i) => y + rowHeight * (i + 0.5));
    y += group.rows.length * rowHeight + 10;
    return middles;
  });
  return { left, right: width - right, height: y, headings, rows };
}

/** Writes the headings. */
export function drawHeadings(root: Group, layout: RowLayout): void {
  for (const { text, y } of layout.headings)
    root.append('text').attr('class', 'group-title').attr('x', 0).attr('y', y).text(text);
}

/** Writes a row's label in its colour, shortened when it does not fit; the whole of it is in the title. */
export function drawRowLabel(
  root: Group,
  layout: RowLayout,
  text: string,
  y: number,
  colour: number,
  key: string,
): void {
  const room = layout.left - 22;
  const fits = Math.max(4, Math.floor(room / textWidth('m')));
  const shown = text.length > fits + 1 ? `${text.slice(0, fits - 1)}…` : text;
  const label = root
    .append('text')
    .attr('class', `series-label s${colour}`)
    .attr('data-series', key)
    .attr('x', 10)
    .attr('y', y + 4)
    .text(shown);
  if (shown !== text) label.append('title').text(text);
}
