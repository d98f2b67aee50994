// The encoding of lines by scripts/basemap/encode.mjs: whole units, each point as the difference from the point before, in
// letters of five bits.

export class BasemapError extends Error {}

/** decodeLine returns x, y, x, y and so on. It throws a BasemapError for text that the encoder cannot have written. */
export function decodeLine(text: string): Int32Array {
  const numbers: number[] = [];
  let value = 0;
  let shift = 0;
  for (let i = 0; i < text.length; i++) {
    const part = text.charCodeAt(i) - 63;
    if (part < 0 || part > 63 || shift > 25) throw new BasemapError(`a line of the basemap is damaged at letter ${i}`);
    value |= (part & 31) << shift;
    shift += 5;
    if (part & 32) continue;
    numbers.push(value & 1 ? -(value + 1) / 2 : value / 2);
    [value, shift] = [0, 0];
  }
  if (shift || numbers.length % 2) throw new BasemapError('a line of the basemap ends in the middle of a point');
  for (let i = 2; i < numbers.length; i++) numbers[i]! += numbers[i - 2]!;
  return Int32Array.from(numbers);
}

/**
 * stitch joins arcs to a ring. Each arc starts where the arc before ends; ~arc is traversed backwards. An arc on the other
 * side of the world is moved, so that a ring continues beyond the edge. A ring around the world is closed at the south pole.
 */
export function stitch(arcs: Int32Array[], ring: number[], width: number): Int32Array {
  const points: number[] = [];
  for (const index of ring) {
    const arc = arcs[index < 0 ? ~index : index];
    if (!arc) throw new BasemapError(`the basemap has no arc ${index}`);
    const first = index < 0 ? arc.length - 2 : 0;
    const turn = points.length ? Math.round((points.at(-2)! - arc[first]!) / width) * width : 0;
    for (let i = points.length ? 2 : 0; i < arc.length; i += 2) {
      const at = index < 0 ? arc.length - 2 - i : i;
      points.push(arc[at]! + turn, arc[at + 1]!);
    }
  }
  const around = Math.abs(points.at(-2)! - points[0]!) > width / 2;
  if (around) points.push(points.at(-2)!, width, points[0]!, width);
  return Int32Array.from(points);
}
