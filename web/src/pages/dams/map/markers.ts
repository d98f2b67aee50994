// The markers: one for each dam, or one for several dams that would overlap.

import { DivIcon, LatLngBounds, type Map as LeafletMap, Marker } from 'leaflet';
import { group } from '../clusters.ts';
import type { Id } from '../../../data/ids.ts';
import { nameOf, type Placed } from '../dams.ts';
import styles from './map.module.css';
import { bubble, pin } from './pins.ts';

const many = 20; // more new dams than this are not animated

export class Markers {
  private readonly markers = new Map<string, Marker>();
  private dams: readonly Placed[] = [];
  private selected: Id | null = null;
  private fresh: ReadonlySet<Id> = new Set();

  constructor(private readonly map: LeafletMap, private readonly select: (id: Id) => void) {}

  show(dams: readonly Placed[], selected: Id | null, fresh: ReadonlySet<Id>): void {
    Object.assign(this, { dams, selected, fresh });
    this.place();
  }

  /** place adds markers for the dams in view, keeps the existing ones, and removes the others. */
  place(): void {
    const view = this.map.getBounds().pad(0.2);
    const seen = this.dams.filter(({ latitude, longitude }) => view.contains([latitude, longitude]));
    const zoom = this.map.getZoom();
    const wanted = new Set<string>();
    for (const { dams, x, y } of group(seen, ({ latitude, longitude }) => this.map.project([latitude, longitude], zoom))) {
      const key = dams.map(({ id }) => id).join();
      wanted.add(key);
      if (dams.length === 1) this.one(key, dams[0]!);
      else if (!this.markers.has(key)) this.several(key, dams, this.map.unproject([x, y], zoom));
    }
    for (const [key, marker] of this.markers) {
      if (wanted.has(key)) continue;
      marker.remove();
      this.markers.delete(key);
    }
  }

  private one(key: string, dam: Placed): void {
    const at: [number, number] = [dam.latitude, dam.longitude];
    const marker = this.markers.get(key) ?? this.add(key, at, icon(pin(), styles.icon!, [30, 38], [15, 37]), () => this.select(dam.id));
    if (!marker.getLatLng().equals(at)) marker.setLatLng(at);
    const selected = this.selected === dam.id;
    marker.setZIndexOffset(selected ? 1000 : 0);
    const button = marker.getElement()?.firstElementChild as HTMLElement;
    button.setAttribute('aria-label', nameOf(dam));
    button.title = nameOf(dam);
    button.setAttribute('aria-expanded', String(selected));
    button.classList.toggle(styles.selected!, selected);
    button.classList.toggle(styles.fresh!, this.fresh.has(dam.id));
    button.classList.toggle(styles.calm!, this.fresh.size > many);
  }

  private several(key: string, dams: Placed[], { lat, lng }: { lat: number; lng: number }): void {
    this.add(key, [lat, lng], icon(bubble(dams.length), styles.icon!, [40, 40], [20, 20]), () => {
      const bounds = new LatLngBounds(dams.map(({ latitude, longitude }) => [latitude, longitude]));
      this.map.flyToBounds(bounds, { padding: [40, 40], duration: 0.5, maxZoom: this.map.getZoom() + 4 });
    });
  }

  private add(key: string, at: [number, number], look: DivIcon, press: () => void): Marker {
    const marker = new Marker(at, { icon: look, keyboard: false, riseOnHover: true }); // the button in it handles the keyboard
    marker.on('click', press).addTo(this.map);
    this.markers.set(key, marker);
    return marker;
  }
}

export function icon(html: HTMLElement, className: string, iconSize: [number, number], iconAnchor: [number, number]): DivIcon {
  return new DivIcon({ html, className, iconSize, iconAnchor });
}
