// The basemap as a layer of Leaflet, with canvas tiles.

import { type Coords, GridLayer } from 'leaflet';
import { font, paint, type Palette } from './paint.ts';
import { type Placed, place } from './labels.ts';
import { type BasemapFile, decodeWorld, type World } from './world.ts';
import address from './world.json?url';

/** fetchWorld loads the basemap, which is a file beside the page's scripts. */
export async function fetchWorld(signal?: AbortSignal): Promise<World> {
  const answer = await fetch(address, { signal: signal ?? null });
  if (!answer.ok) throw new Error(`the basemap was answered with status ${answer.status}`);
  return decodeWorld((await answer.json()) as BasemapFile);
}

export class Basemap extends GridLayer {
  private readonly placed = new Map<number, Placed[]>();
  private readonly ruler = document.createElement('canvas').getContext('2d')!;

  constructor(private readonly world: World, private readonly palette: () => Palette) {
    super({ className: 'basemap', minZoom: 1, noWrap: false });
  }

  /** names returns the names for a zoom. They are chosen once. */
  private names(zoom: number): Placed[] {
    const known = this.placed.get(zoom);
    if (known) return known;
    const family = this.palette().font;
    const chosen = place(this.world, zoom, (text, kind, at) => {
      this.ruler.font = font(kind, at, family);
      return this.ruler.measureText(text).width;
    });
    this.placed.set(zoom, chosen);
    return chosen;
  }

  protected override createTile(coords: Coords): HTMLElement {
    const tile = document.createElement('canvas');
    const size = this.getTileSize().x;
    const ratio = Math.min(window.devicePixelRatio || 1, 2);
    tile.width = tile.height = size * ratio;
    const pen = tile.getContext('2d')!;
    pen.scale(ratio, ratio);
    const at = { zoom: coords.z, x: coords.x * size, y: coords.y * size, size };
    paint(pen, this.world, at, this.names(coords.z), this.palette());
    return tile;
  }
}
