import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { encode } from '../../../../scripts/basemap/encode.mjs';
import { BasemapError, decodeLine, stitch } from './arcs.ts';
import { place, wrap } from './labels.ts';
import { type BasemapFile, decodeWorld } from './world.ts';

const file = JSON.parse(readFileSync(new URL('world.json', import.meta.url), 'utf8')) as BasemapFile;

describe('encoded lines', () => {
  it('decode to the same points', () => {
    const lines = [[[0, 0], [1, -1]], [[262143, 5], [-70000, 200000], [-70001, 200000]], [[0, 0], [2 ** 28, -(2 ** 28)]]];
    for (const points of lines) expect([...decodeLine(encode(points))]).toEqual(points.flat());
  });

  it('omit points that are equal in whole units', () => {
    expect([...decodeLine(encode([[1.2, 3.1], [1.4, 2.9], [5, 5]]))]).toEqual([1, 3, 5, 5]);
  });

  it('are refused if they are damaged', () => {
    for (const text of ['?', 'AB~', '??>', '\u00e9?', '~~~~~~~~?']) expect(() => decodeLine(text)).toThrow(BasemapError);
  });
});

describe('rings', () => {
  const arcs = [[0, 0, 10, 0], [0, 10, 10, 0], [0, 10, 0, 0]].map((arc) => Int32Array.from(arc));

  it('join arcs forwards and backwards, with each joint once', () => {
    expect([...stitch(arcs, [0, ~1, 2], 1000)]).toEqual([0, 0, 10, 0, 0, 10, 0, 0]);
    expect(() => stitch(arcs, [7], 1000)).toThrow(BasemapError);
  });

  it('continue beyond the edge of the world', () => {
    const across = [[990, 5, 1010, 5], [10, 5, 10, 9], [1010, 9, 990, 5]].map((arc) => Int32Array.from(arc));
    expect([...stitch(across, [0, 1, 2], 1000)]).toEqual([990, 5, 1010, 5, 1010, 9, 990, 5]);
  });

  it('close at the south pole if they go around the world', () => {
    const around = [[0, 900, 600, 910], [600, 910, 1000, 900]].map((arc) => Int32Array.from(arc));
    expect([...stitch(around, [0, 1], 1000)]).toEqual([0, 900, 600, 910, 1000, 900, 1000, 1000, 0, 1000]);
  });
});

describe('the basemap of the page', () => {
  const world = decodeWorld(file);

  it('has land, waters and names, within the world or just beyond its edge', () => {
    expect(world.land.length).toBeGreaterThan(500);
    expect(world.lakes.length).toBeGreaterThan(200);
    expect(world.rivers.length).toBeGreaterThan(400);
    for (const { box } of [...world.land, ...world.coasts, ...world.borders, ...world.lakes]) {
      expect(box[0]).toBeGreaterThan(-world.width);
      expect(box[2]).toBeLessThan(2 * world.width);
      expect(box[1]).toBeGreaterThanOrEqual(0);
      expect(box[3]).toBeLessThanOrEqual(world.width);
    }
  });

  it('has each arc as a coast or a border', () => {
    expect(world.coasts.length + world.borders.length).toBe(file.arcs.length);
    expect(world.borders.length).toBeGreaterThan(300);
  });

  it('shows more names at a larger zoom, and none over another', () => {
    const counts = [2, 4, 6].map((zoom) => {
      const names = place(world, zoom, (text) => text.length * 6);
      for (const [i, a] of names.entries()) {
        for (const b of names.slice(i + 1)) {
          const apart = Math.abs(a.x - b.x) >= (a.width + b.width) / 2 || Math.abs(a.y - b.y) >= (a.height + b.height) / 2;
          expect(apart, `${a.lines} over ${b.lines} at zoom ${zoom}`).toBe(true);
        }
      }
      return names.length;
    });
    expect(counts[0]).toBeLessThan(counts[1]!);
    expect(counts[1]).toBeLessThan(counts[2]!);
  });

  it('breaks long names in two', () => {
    expect(wrap('United States of America')).toEqual(['United States', 'of America']);
    expect(wrap('Peru')).toEqual(['Peru']);
  });
});
