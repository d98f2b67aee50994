// The popup. React gives it its content, so it does not know how large it will be.

import { type Map as LeafletMap, Popup } from 'leaflet';
import styles from './map.module.css';
import type { Point } from './view.ts';

const widest = 320; // pixels
const gap = 12; // to the edges of the map

export class Balloon {
  readonly content = document.createElement('div');
  private readonly popup: Popup;
  private readonly grown = new ResizeObserver(() => this.makeRoom());
  /** While this holds, the popup stays where it is, and makeRoom is called later. */
  moving = false;

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
    else if (!before?.equals([at.latitude, at.longitude])) this.makeRoom(); // what it is about has moved
  }

  /** fit is called when the map has another size. */
  fit(): void {
    const width = Math.min(widest, this.map.getSize().x - 2 * gap);
    if (width === this.popup.options.maxWidth) return;
    this.popup.options.minWidth = this.popup.options.maxWidth = width;
    this.popup.update();
  }

  /** makeRoom moves the map where the popup would stand out of it. */
  makeRoom(): void {
    const box = this.popup.getElement()?.getBoundingClientRect();
    if (!box || !this.popup.isOpen() || this.moving) return;
    const frame = this.map.getContainer().getBoundingClientRect();
    const dx = Math.min(0, box.left - frame.left - gap) || Math.max(0, box.right - frame.right + gap);
    const dy = Math.min(0, box.top - frame.top - gap) || Math.max(0, box.bottom - frame.bottom + gap);
    if (dx || dy) this.map.panBy([dx, dy], { animate: this.map.options.zoomAnimation ?? true });
  }
}
