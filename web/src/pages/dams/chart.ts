// The geometry of a hydrograph's chart.

import type { Point } from './hydrograph.ts';

/** ticks returns round numbers from low to high: about as many as wanted, and at least two. */
export function ticks(low: number, high: number, wanted: number): number[] {
  const span = high - low || Math.abs(high) || 1;
  const rough = span / wanted;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((s) => s >= rough * 0.999)!;
  const first = Math.floor(low / step);
  const last = Math.max(Math.ceil((low + span) / step - 1e-9), first + 1);
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

export interface Frame {
  left: number;
  top: number;
  width: number;
  height: number;
}

export interface Scale {
  ticks: number[];
  at: (value: number) => number;
}

/** scale returns a scale from the first tick to the last. */
export function scale(low: number, high: number, wanted: number, from: number, to: number): Scale {
  const marks = ticks(low, high, wanted);
  const [first, last] = [marks[0]!, marks.at(-1)!];
  return { ticks: marks, at: (value) => from + ((value - first) / (last - first)) * (to - from) };
}

/** hours returns a scale from low to high, with ticks at usual steps of hours. */
export function hours(low: number, high: number, from: number, to: number): Scale {
  const span = high - low || 1;
  const step = [1, 2, 3, 6, 12, 24, 48, 72].find((hours) => span / hours <= 8) ?? 24 * Math.ceil(span / 24 / 8);
  const first = Math.ceil(low / step) * step;
  const marks = Array.from({ length: Math.floor((low + span - first) / step) + 1 }, (_, i) => first + i * step);
  return { ticks: marks, at: (value) => from + ((value - low) / span) * (to - from) };
}

/** line and area return SVG paths through the points, which are ordered by time. */
export function line(points: Point[], x: Scale, y: Scale): string {
  return points.map(({ time, flow }, i) => `${i ? 'L' : 'M'}${x.at(time).toFixed(1)} ${y.at(flow).toFixed(1)}`).join('');
}

export function area(points: Point[], x: Scale, y: Scale, floor: number): string {
  const [first, last] = [points[0]!, points.at(-1)!];
  return `${line(points, x, y)}L${x.at(last.time).toFixed(1)} ${floor}L${x.at(first.time).toFixed(1)} ${floor}Z`;
}

/** nearest returns the index of the point with the nearest time. */
export function nearest(points: Point[], x: Scale, at: number): number {
  let best = 0;
  points.forEach((point, i) => {
    if (Math.abs(x.at(point.time) - at) < Math.abs(x.at(points[best]!.time) - at)) best = i;
  });
  return best;
}

export function peak(points: Point[]): Point {
  return points.reduce((a, b) => (b.flow > a.flow ? b : a));
}
