// The decoded basemap: shapes in units of a square Mercator world, each with its bounding box.

import { decodeLine, stitch } from './arcs.ts';

export interface BasemapFile {
  source: string;
  bits: number;
  arcs: string[];
  land: number[][][];
  lakes: string[];
  rivers: string[];
  borders: string[];
  countries: Name[];
  states: Name[];
  seas: { name: string; at: number[]; zoom: number }[];
}

/** Name is the label of an area. room is the distance of its position from the edge of the area. */
export interface Name {
  name: string;
  at: number[];
  room: number;
}

export type Box = readonly [left: number, top: number, right: number, bottom: number];

export interface Shape {
  points: Int32Array;
  box: Box;
}

export interface World {
  width: number; // units
  land: Shape[];
  coasts: Shape[];
  borders: Shape[];
  lakes: Shape[];
  rivers: Shape[];
  provinces: Shape[];
  countries: Name[];
  states: Name[];
  seas: BasemapFile['seas'];
}

export function shapeOf(points: Int32Array): Shape {
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  for (let i = 0; i < points.length; i += 2) {
    const [x, y] = [points[i]!, points[i + 1]!];
    if (x < left) left = x;
    if (x > right) right = x;
    if (y < top) top = y;
    if (y > bottom) bottom = y;
  }
  return { points, box: [left, top, right, bottom] };
}

/** decodeWorld decodes the file. An arc of one country is a coast, an arc of two countries is a border. */
export function decodeWorld(file: BasemapFile): World {
  const width = 2 ** file.bits;
  const arcs = file.arcs.map(decodeLine);
  const uses = new Uint8Array(arcs.length);
  for (const index of file.land.flat(2)) uses[index < 0 ? ~index : index]!++;
  const line = (text: string) => shapeOf(decodeLine(text));
  return {
    width,
    land: file.land.flat().map((ring) => shapeOf(stitch(arcs, ring, width))),
    coasts: arcs.filter((_, i) => uses[i] === 1).map(shapeOf),
    borders: arcs.filter((_, i) => uses[i]! > 1).map(shapeOf),
    lakes: file.lakes.map(line),
    rivers: file.rivers.map(line),
    provinces: file.borders.map(line),
    countries: file.countries,
    states: file.states,
    seas: file.seas,
  };
}
