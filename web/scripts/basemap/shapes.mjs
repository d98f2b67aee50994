// Geometry of the build: positions of names, and lines with fewer points.

import { bounds } from './sources.mjs';

export function ringArea(ring) {
  let sum = 0;
  for (let i = 0, j = ring.length - 1; i < ring.length; j = i++) {
    sum += (ring[j][0] - ring[i][0]) * (ring[j][1] + ring[i][1]);
  }
  return Math.abs(sum / 2);
}

function distance([x, y], rings) {
  let inside = false;
  let nearest = Infinity;
  for (const ring of rings) {
    for (let i = 0, j = ring.length - 1; i < ring.length; j = i++) {
      const [[ax, ay], [bx, by]] = [ring[i], ring[j]];
      if (ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) inside = !inside;
      const length = (bx - ax) ** 2 + (by - ay) ** 2;
      const t = length && Math.max(0, Math.min(1, ((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / length));
      nearest = Math.min(nearest, Math.hypot(x - ax - t * (bx - ax), y - ay - t * (by - ay)));
    }
  }
  return inside ? nearest : -nearest;
}

// heart returns the point of a polygon that is farthest from its edge, and the distance, which is the room for a name. It
// searches a grid, and then finer grids around the best point.
export function heart(rings) {
  let [left, top, right, bottom] = bounds(rings[0]);
  let best = { at: [(left + right) / 2, (top + bottom) / 2], room: -Infinity };
  for (let pass = 0; pass < 4; pass++) {
    const [dx, dy] = [(right - left) / 16, (bottom - top) / 16];
    for (let i = 0; i <= 16; i++) {
      for (let j = 0; j <= 16; j++) {
        const at = [left + i * dx, top + j * dy];
        const room = distance(at, rings);
        if (room > best.room) best = { at, room };
      }
    }
    [left, right] = [best.at[0] - 2 * dx, best.at[0] + 2 * dx];
    [top, bottom] = [best.at[1] - 2 * dy, best.at[1] + 2 * dy];
  }
  return best;
}

// thin removes points of a line that span only a small area with their neighbours.
export function thin(line, area) {
  const kept = [...line];
  for (;;) {
    let least = area;
    let which = -1;
    for (let i = 1; i < kept.length - 1; i++) {
      const [[ax, ay], [bx, by], [cx, cy]] = [kept[i - 1], kept[i], kept[i + 1]];
      const span = Math.abs((bx - ax) * (cy - ay) - (cx - ax) * (by - ay)) / 2;
      if (span < least) [least, which] = [span, i];
    }
    if (which < 0) return kept;
    kept.splice(which, 1);
  }
}
