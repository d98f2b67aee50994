// The layers under the markers: the tiles of a server, if one is configured; otherwise, or if that server does not answer,
// the basemap that is part of the pages.

import { GridLayer, type Map as LeafletMap, TileLayer } from 'leaflet';
import type { Tiles } from '../../../data/user.tsx';
import { Basemap, fetchWorld } from '../basemap/layer.ts';
import type { Palette } from '../basemap/paint.ts';

// Private properties of Leaflet's layer of tiles.
interface Inside {
  _tiles: Record<string, { el: HTMLImageElement; coords: { z: number } }>;
  _tileZoom: number;
}

/**
 * Pictures is a layer of tiles that removes a tile when it is not needed any more. Leaflet would replace it with an image
 * from a data: address, which the content policy forbids.
 */
class Pictures extends TileLayer {
  protected override _abortLoading(): void {
    const { _tiles: tiles, _tileZoom: zoom } = this as unknown as Inside;
    for (const [key, { el, coords }] of Object.entries(tiles)) {
      if (coords.z !== zoom && !el.complete) this._removeTile(key);
    }
  }

  _removeTile(key: string): void {
    const tile = (this as unknown as Inside)._tiles[key];
    if (!tile) return;
    tile.el.onload = tile.el.onerror = null;
    tile.el.removeAttribute('src');
    (GridLayer.prototype as unknown as Pictures)._removeTile.call(this, key);
  }
}

export class Layers {
  private readonly gone = new AbortController();
  private basemap: Basemap | null = null;
  /** Called if the basemap cannot be loaded. */
  onFailure: () => void = () => {};

  constructor(private readonly map: LeafletMap, tiles: Tiles | undefined) {
    if (tiles) this.layTiles(tiles);
    else this.layBasemap();
    this.followLook();
  }

  end(): void { this.gone.abort(); }

  layBasemap(): void {
    fetchWorld(this.gone.signal).then((world) => {
      if (this.gone.signal.aborted || this.basemap) return;
      this.basemap = new Basemap(world, () => palette(this.map.getContainer()));
      this.basemap.setZIndex(0).addTo(this.map);
    }, () => {
      if (!this.gone.signal.aborted) this.onFailure();
    });
  }

  private layTiles({ url }: Tiles): void {
    const pictures = new Pictures(url, { maxZoom: 19, referrerPolicy: 'origin', zIndex: 1 });
    let asked = false;
    pictures.on('tileerror', () => {
      if (!asked) this.layBasemap();
      asked = true;
    });
    pictures.addTo(this.map);
  }

  /** followLook draws the basemap again when the theme changes. */
  private followLook(): void {
    const redraw = () => this.basemap?.redraw();
    const look = matchMedia('(prefers-color-scheme: dark)');
    look.addEventListener('change', redraw, { signal: this.gone.signal });
    const chosen = new MutationObserver(redraw);
    chosen.observe(document.documentElement, { attributeFilter: ['data-theme'] });
    this.gone.signal.addEventListener('abort', () => chosen.disconnect());
  }
}

/** palette returns the colours of the style sheet in the present theme. */
function palette(container: HTMLElement): Palette {
  const probe = document.createElement('span');
  probe.hidden = true;
  container.append(probe);
  const colour = (name: string) => {
    probe.style.color = `var(--map-${name})`;
    return getComputedStyle(probe).color;
  };
  const names = ['water', 'land', 'shore', 'border', 'province', 'river', 'label', 'faint', 'halo'] as const;
  const colours = Object.fromEntries(names.map((name) => [name, colour(name)])) as Record<(typeof names)[number], string>;
  const font = getComputedStyle(document.body).fontFamily;
  probe.remove();
  return { ...colours, font };
}
