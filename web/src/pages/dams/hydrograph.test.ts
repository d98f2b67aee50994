import { describe, expect, it } from 'vitest';
import { area, hours, line, nearest, peak, scale, ticks } from './chart.ts';
import { parsePoints, PointsError } from './hydrograph.ts';

describe('parsePoints', () => {
  it('reads common formats, and orders by time', () => {
    expect(parsePoints('time,flow\r\n6; 900.5\r\n\r\n0\t100\n12 , -3')).toEqual([{ time: 0, flow: 100 }, { time: 6, flow: 900.5 }, { time: 12, flow: -3 }]);
  });

  it('reports the wrong line and the expected format', () => {
    for (const text of ['0,1\n1.5,2', '0,1\nx,2', '0,1\n1,2,3', '0,1\n1', '0,1\n1,']) {
      expect(() => parsePoints(text)).toThrow(/^Line 2 is/);
    }
    expect(() => parsePoints('0,1')).toThrow(PointsError);
    expect(() => parsePoints('')).toThrow(/two points/);
  });
});

describe('the chart', () => {
  const points = [{ time: 0, flow: 100 }, { time: 10, flow: 300 }, { time: 20, flow: 200 }];

  it('has round ticks around all values', () => {
    expect(ticks(0, 2350, 4)).toEqual([0, 1000, 2000, 3000]);
    expect(ticks(-3, 0.5, 4)).toEqual([-3, -2, -1, 0, 1]);
    for (const [low, high] of [[5, 5], [0, 0], [-7, -7], [0.1, 0.3], [1e9, 3e9]] as const) {
      const marks = ticks(low, high, 4);
      expect(marks.length).toBeGreaterThanOrEqual(2);
      expect(marks[0]).toBeLessThanOrEqual(low);
      expect(marks.at(-1)).toBeGreaterThanOrEqual(high);
    }
  });

  it('has usual steps of hours within its range', () => {
    expect(hours(0, 24, 0, 100).ticks).toEqual([0, 3, 6, 9, 12, 15, 18, 21, 24]);
    expect(hours(5, 30, 0, 100).ticks).toEqual([6, 12, 18, 24, 30]);
    expect(hours(0, 10_000, 0, 100).ticks.length).toBeLessThanOrEqual(10);
    expect(hours(4, 4, 0, 100).at(4)).toBe(0);
  });

  it('draws a line through the points, and an area down to the floor', () => {
    const [x, y] = [hours(0, 20, 0, 200), scale(0, 300, 3, 100, 0)];
    expect(line(points, x, y)).toBe('M0.0 66.7L100.0 0.0L200.0 33.3');
    expect(area(points, x, y, 100)).toBe('M0.0 66.7L100.0 0.0L200.0 33.3L200.0 100L0.0 100Z');
    expect([nearest(points, x, 60), nearest(points, x, 999), peak(points).time]).toEqual([1, 2, 10]);
  });
});
