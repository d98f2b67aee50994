// The map itself: Leaflet, told what to show.

import { LatLngBounds, Map as LeafletMap, Marker, type LeafletMouseEvent } from 'leaflet';
import type { Tiles } from '../../../data/user.tsx';
import type { Placed } from '../dams.ts';
import { Balloon } from './balloon.ts';
import { Ground } from './ground.ts';
import styles from './map.module.css';
import { icon, Marks } from './marks.ts';
import { draftPin } from './pins.ts';

export interface Point {
  latitude: number;
  longitude: number;
}

/** Sight is what the map shows. */
export interface Sight {
  dams: readonly Placed[];
  selected: number | null;
  fresh: ReadonlySet<number>; // dams that are new to the reader
  open: Point | null; // where the popup is
  draft: Point | null; // the place that a form is about
}

/** Hands is what a reader does to the map. */
export interface Hands {
  select: (id: number) => void;
  press: (at: Point) => void;
  close: () => void; // the popup
  drag: (at: Point) => void; // the draft
}

const near = 7; // the zoom at which a dam is shown with what is around it
const double = 250; // milliseconds in which a second press makes the first one a double press

export class MapView {
  readonly ground: Ground;
  readonly balloon: Balloon;
  private readonly map: LeafletMap;
  private readonly marks: Marks;
  private readonly draft: Marker;
  private readonly sized = new ResizeObserver(() => this.resize());
  private fitted = false; // the first dams have been brought into view
  private open = false;
  private pressing: ReturnType<typeof setTimeout> | undefined;

  constructor(container: HTMLElement, tiles: Tiles | undefined, private readonly hands: Hands) {
    this.map = makeMap(container, tiles ? 19 : 11);
    this.ground = new Ground(this.map, tiles);
    this.balloon = new Balloon(this.map);
    this.marks = new Marks(this.map, hands.select);
    this.draft = new Marker([0, 0], { icon: icon(draftPin(), styles.draftIcon!, [30, 38], [15, 37]), draggable: true, keyboard: false, zIndexOffset: 2000 });
    this.draft.on('dragend', () => hands.drag(pointOf(this.draft.getLatLng().wrap())));
    this.map.on('click', (e: LeafletMouseEvent) => this.press(e));
    this.map.on('dblclick', () => clearTimeout(this.pressing));
    this.map.on('moveend', () => this.arrived());
    this.map.on('popupclose', () => { if (this.open) hands.close(); });
    this.sized.observe(container);
  }

  end(): void {
    clearTimeout(this.pressing);
    this.sized.disconnect();
    this.balloon.end();
    this.ground.end();
    this.map.remove();
  }

  show({ dams, selected, fresh, open, draft }: Sight): void {
    if (!this.fitted) this.bring(dams, false);
    this.open = open !== null;
    this.marks.show(dams, selected, fresh);
    this.balloon.show(open);
    if (draft) this.draft.setLatLng([draft.latitude, draft.longitude]).addTo(this.map);
    else this.draft.remove();
  }

  /** bring moves the map so that all of these can be seen. It does not go away from where one can be seen already. */
  bring(dams: readonly Placed[], moving = true): void {
    if (!dams.length) return;
    this.fitted = true;
    const places = dams.map(({ latitude, longitude }): [number, number] => [latitude, longitude]);
    const zoom = this.map.getZoom();
    const one = dams.length === 1;
    if (one && zoom >= near && this.map.getBounds().pad(-0.1).contains(places[0]!)) return;
    const options = { padding: [56, 56] as [number, number], maxZoom: one ? Math.max(near, zoom) : near };
    if (!moving || !this.map.options.zoomAnimation) {
      this.map.fitBounds(new LatLngBounds(places), { ...options, animate: false });
      return;
    }
    this.balloon.moving = true;
    this.map.flyToBounds(new LatLngBounds(places), { ...options, duration: 0.8 });
  }

  /** centre is what the reader looks at. */
  centre(): Point { return pointOf(this.map.getCenter().wrap()); }

  zoom(steps: number): void { this.map.setZoom(this.map.getZoom() + steps); }

  private press(e: LeafletMouseEvent): void {
    clearTimeout(this.pressing);
    this.pressing = setTimeout(() => this.hands.press(pointOf(e.latlng.wrap())), double);
  }

  private resize(): void {
    this.map.invalidateSize({ animate: false });
    this.balloon.fit();
  }

  private arrived(): void {
    this.marks.place();
    const flown = this.balloon.moving;
    this.balloon.moving = false;
    if (flown) this.balloon.makeRoom(); // not where the reader has pushed the popup out of sight
  }
}

function makeMap(container: HTMLElement, maxZoom: number): LeafletMap {
  const moving = !matchMedia('(prefers-reduced-motion: reduce)').matches;
  return new LeafletMap(container, {
    center: [25, 10], zoom: 2, minZoom: 2, maxZoom, zoomControl: false, attributionControl: false, // ours are in MapPane
    zoomAnimation: moving, fadeAnimation: moving, markerZoomAnimation: moving, inertia: moving, worldCopyJump: true,
    maxBounds: [[-85, -Infinity], [85, Infinity]], maxBoundsViscosity: 1, closePopupOnClick: false,
  });
}

function pointOf({ lat, lng }: { lat: number; lng: number }): Point {
  return { latitude: lat, longitude: lng };
}
