// Part is the part of a long list that is rendered. Blank space of the same height stands for the rest.
export interface Part {
  start: number; // index of the first item
  end: number; // index after the last item
  before: number; // height of the items before, in pixels
  after: number; // height of the items after
}

// partOf returns the items that are visible, and those within a margin around them. top is the scroll position in the list;
// Infinity is its end.
export function partOf(heights: readonly number[], top: number, height: number, margin: number): Part {
  const total = heights.reduce((sum, h) => sum + h, 0);
  const from = Math.max(0, Math.min(top, total - height)) - margin;
  const to = from + height + 2 * margin;
  let start = 0;
  let before = 0;
  while (start < heights.length - 1 && before + heights[start]! <= from) before += heights[start++]!;
  let end = start;
  let shown = 0;
  while (end < heights.length && before + shown < to) shown += heights[end++]!;
  return { start, end, before, after: total - before - shown };
}
