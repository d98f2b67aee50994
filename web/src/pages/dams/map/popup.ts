// The popup. React renders its content, so its size changes by itself.

import { type Map as LeafletMap, Popup } from 'leaflet';
import styles from './map.module.css';
import type { Point } from './view.ts';

const widest = 320; // pixels
const gap = 12; // pixels to the edges of the map
const pinHeight = 36; // pixels between the popup and the end of its pin

export class MapPopup {
  readonly content = document.createElement('div');
  private readonly popup: Popup;
  private readonly grown = new ResizeObserver(() => this.makeRoom());
  /** While this is true, the map is moving by itself: makeRoom does nothing, and is called afterwards. */
  moving = false;
  private reserved = 0;

  constructor(private readonly map: LeafletMap) {
    this.popup = new Popup({
      closeButton: false, autoClose: false, closeOnClick: false, autoPan: false, className: styles.popup!, offset: [0, -36],
    }).setContent(this.content);
    this.grown.observe(this.content);
  }

  end(): void { this.grown.disconnect(); }

  show(at: Point | null): void {
    if (!at) {
      this.popup.close();
      return;
    }
    const before = this.popup.getLatLng();
    this.popup.setLatLng([at.latitude, at.longitude]);
    if (!this.popup.isOpen()) this.popup.openOn(this.map);
    else if (!before?.equals([at.latitude, at.longitude])) this.makeRoom(); // the dam has moved
  }

  /** fit adapts the popup to the size of the map. */
  fit(): void {
    const width = Math.min(widest, this.map.getSize().x - 2 * gap);
    if (width === this.popup.options.maxWidth) return;
    this.popup.options.minWidth = this.popup.options.maxWidth = width;
    this.popup.update();
  }

  /** reserve keeps the popup out of a strip at the bottom of the map, where the box about new dams is. */
  reserve(pixels: number): void {
    if (pixels === this.reserved) return;
    this.reserved = pixels;
    this.map.getContainer().style.setProperty('--map-reserved', `${pixels}px`);
    this.makeRoom();
  }

  /** makeRoom moves the map, so that the popup and its pin are inside the visible part. */
  makeRoom(): void {
    const box = this.popup.getElement()?.getBoundingClientRect();
    if (!box || !this.popup.isOpen() || this.moving) return;
    const frame = this.map.getContainer().getBoundingClientRect();
    const dx = Math.min(0, box.left - frame.left - gap) || Math.max(0, box.right - frame.right + gap);
    const bottom = frame.bottom - (this.reserved && this.reserved + pinHeight);
    const dy = Math.min(0, box.top - frame.top - gap) || Math.max(0, box.bottom - bottom + gap);
    if (dx || dy) this.map.panBy([dx, dy], { animate: this.map.options.zoomAnimation ?? true });
  }
}
