// Painting of a tile of the basemap on a canvas.

import { fontSize, type Kind, type Placed } from './labels.ts';
import type { Box, Shape, World } from './world.ts';

/** Palette has the colours and the font of the basemap. */
export interface Palette {
  water: string;
  land: string;
  shore: string;
  border: string;
  province: string;
  river: string;
  label: string;
  faint: string;
  halo: string;
  font: string;
}

/** Tile is a square of the map: its zoom, and its top left corner in pixels of the world at that zoom. */
export interface Tile {
  zoom: number;
  x: number;
  y: number;
  size: number;
}

export function font(kind: Kind, zoom: number, family: string): string {
  const weight = { country: '600', state: '400', sea: 'italic 400' }[kind];
  return `${weight} ${fontSize(kind, zoom)}px ${family}`;
}

export function paint(pen: CanvasRenderingContext2D, world: World, tile: Tile, names: Placed[], palette: Palette): void {
  const bend = tile.zoom >= 7; // at this zoom the corners of waters would be visible
  const stroke = (shapes: Shape[], colour: string, width: number, { closed = false, smooth = false } = {}) => {
    outline(pen, world, tile, shapes, { closed, smooth });
    pen.strokeStyle = colour;
    pen.lineWidth = width;
    pen.stroke();
  };
  const fill = (shapes: Shape[], colour: string, smooth = false) => {
    outline(pen, world, tile, shapes, { closed: true, smooth });
    pen.fillStyle = colour;
    pen.fill('evenodd');
  };
  const near = tile.zoom >= 4;
  pen.lineJoin = pen.lineCap = 'round';
  pen.fillStyle = palette.water;
  pen.fillRect(0, 0, tile.size, tile.size);
  fill(world.land, palette.land);
  if (near) stroke(world.rivers, palette.river, tile.zoom < 6 ? 0.7 : tile.zoom < 8 ? 1.3 : 2, { smooth: bend });
  fill(world.lakes, palette.water, bend);
  if (near) stroke(world.lakes, palette.shore, 0.7, { closed: true, smooth: bend });
  pen.setLineDash([3, 3]);
  if (near) stroke(world.provinces, palette.province, 0.8);
  pen.setLineDash([]);
  stroke(world.borders, palette.border, tile.zoom < 5 ? 0.7 : 1.1);
  stroke(world.coasts, palette.shore, 0.8);
  write(pen, tile, names, palette);
}

/** outline makes a path of the shapes in a tile. A shape beyond the edge of the world also appears on the other side. */
function outline(pen: CanvasRenderingContext2D, world: World, tile: Tile, shapes: Shape[], how: Pick<Line, 'closed' | 'smooth'>): void {
  const scale = (256 * 2 ** tile.zoom) / world.width;
  const [left, top] = [tile.x - 4, tile.y - 4].map((at) => at / scale) as [number, number];
  const reach = (tile.size + 8) / scale;
  pen.beginPath();
  for (const turn of [-world.width, 0, world.width]) {
    const view: Box = [left - turn, top, left - turn + reach, top + reach];
    const line: Line = { scale, x: tile.x - turn * scale, y: tile.y, ...how };
    for (const shape of shapes) if (meets(shape.box, view)) trace(pen, shape.points, line);
  }
}

function meets(a: Box, b: Box): boolean {
  return a[0] <= b[2] && a[2] >= b[0] && a[1] <= b[3] && a[3] >= b[1];
}

interface Line {
  scale: number;
  x: number; // of the tile's corner
  y: number;
  closed: boolean;
  smooth: boolean;
}

/**
 * trace adds a line to the path, without the points that are too close to the last one to be visible. A smooth line curves
 * from the middle of each segment to the middle of the next.
 */
function trace(pen: CanvasRenderingContext2D, points: Int32Array, line: Line): void {
  const last = points.length - 2;
  let [px, py] = [points[0]! * line.scale - line.x, points[1]! * line.scale - line.y];
  pen.moveTo(px, py);
  for (let i = 2; i <= last; i += 2) {
    const x = points[i]! * line.scale - line.x;
    const y = points[i + 1]! * line.scale - line.y;
    if (i < last && Math.abs(x - px) < 0.7 && Math.abs(y - py) < 0.7) continue;
    if (line.smooth && i > 2) pen.quadraticCurveTo(px, py, (px + x) / 2, (py + y) / 2);
    if (!line.smooth || i === last) pen.lineTo(x, y);
    [px, py] = [x, y];
  }
  if (line.closed) pen.closePath();
}

function write(pen: CanvasRenderingContext2D, tile: Tile, names: Placed[], palette: Palette): void {
  pen.textAlign = 'center';
  pen.textBaseline = 'middle';
  pen.strokeStyle = palette.halo;
  pen.lineWidth = 3;
  const world = 256 * 2 ** tile.zoom;
  for (const name of names) {
    for (const turn of [-world, 0, world]) {
      const [x, y] = [name.x + turn - tile.x, name.y - tile.y];
      const [reach, rise] = [name.width / 2 + 4, name.height / 2 + 4];
      if (x + reach < 0 || x - reach > tile.size || y + rise < 0 || y - rise > tile.size) continue;
      writeLines(pen, name, x, y, tile.zoom, palette);
    }
  }
}

function writeLines(pen: CanvasRenderingContext2D, name: Placed, x: number, y: number, zoom: number, palette: Palette): void {
  const height = name.height / name.lines.length;
  pen.font = font(name.kind, zoom, palette.font);
  pen.fillStyle = name.kind === 'country' ? palette.label : palette.faint;
  name.lines.forEach((line, i) => {
    const at = y + (i - (name.lines.length - 1) / 2) * height;
    if (name.kind !== 'sea') pen.strokeText(line, x, at);
    pen.fillText(line, x, at);
  });
}
