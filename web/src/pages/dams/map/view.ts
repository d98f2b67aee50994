// The map. It drives Leaflet.

import { LatLngBounds, Map as LeafletMap, Marker, type LeafletMouseEvent } from 'leaflet';
import type { Tiles } from '../../../data/user.tsx';
import type { Id } from '../../../data/ids.ts';
import type { Placed } from '../dams.ts';
import { MapPopup } from './popup.ts';
import { Layers } from './layers.ts';
import styles from './map.module.css';
import { icon, Markers } from './markers.ts';
import { draftPin } from './pins.ts';

export interface Point {
  latitude: number;
  longitude: number;
}

/** MapContent is the content of the map. */
export interface MapContent {
  dams: readonly Placed[];
  selected: Id | null;
  fresh: ReadonlySet<Id>; // dams that are new to the user
  open: Point | null; // the position of the popup
  draft: Point | null; // the position of the dam in the form
  reserved: number; // height in pixels of a strip at the bottom that is covered
}

/** MapActions are the user's actions on the map. */
export interface MapActions {
  select: (id: Id) => void;
  press: (at: Point) => void;
  close: () => void; // close the popup
  drag: (at: Point) => void; // move the draft
}

const near = 7; // the zoom that shows a dam with its surroundings
const region = 5; // the smallest zoom at which the centre of the map means something
const double = 250; // milliseconds within which a second click makes a double click

export class MapView {
  readonly layers: Layers;
  readonly popup: MapPopup;
  private readonly map: LeafletMap;
  private readonly markers: Markers;
  private readonly draft: Marker;
  private readonly sized = new ResizeObserver(() => this.resize());
  private fitted = false; // the view was set to the first dams
  private open = false;
  private pressing: ReturnType<typeof setTimeout> | undefined;

  constructor(container: HTMLElement, tiles: Tiles | undefined, private readonly actions: MapActions) {
    this.map = makeMap(container, tiles ? 19 : 11);
    this.layers = new Layers(this.map, tiles);
    this.popup = new MapPopup(this.map);
    this.markers = new Markers(this.map, actions.select);
    this.draft = new Marker([0, 0], { icon: icon(draftPin(), styles.draftIcon!, [30, 38], [15, 37]), draggable: true, keyboard: false, zIndexOffset: 2000 });
    this.draft.on('dragend', () => actions.drag(pointOf(this.draft.getLatLng().wrap())));
    this.map.on('click', (e: LeafletMouseEvent) => this.press(e));
    this.map.on('dblclick', () => clearTimeout(this.pressing));
    this.map.on('moveend', () => this.arrived());
    this.map.on('popupclose', () => { if (this.open) actions.close(); });
    this.sized.observe(container);
  }

  end(): void {
    clearTimeout(this.pressing);
    this.sized.disconnect();
    this.popup.end();
    this.layers.end();
    this.map.remove();
  }

  show({ dams, selected, fresh, open, draft, reserved }: MapContent): void {
    if (!this.fitted) this.bring(dams, false);
    this.open = open !== null;
    this.markers.show(dams, selected, fresh);
    this.popup.reserve(reserved);
    this.popup.show(open);
    if (draft) this.draft.setLatLng([draft.latitude, draft.longitude]).addTo(this.map);
    else this.draft.remove();
  }

  /** bring moves the map so that the given dams are visible. It does not move if a single dam is visible already. */
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
    this.popup.moving = true;
    this.map.flyToBounds(new LatLngBounds(places), { ...options, duration: 0.8 });
  }

  /** centre returns the centre of the map, if the map shows a region. The centre of a continent or of the world may be in an ocean. */
  centre(): Point | null { return this.map.getZoom() >= region ? pointOf(this.map.getCenter().wrap()) : null; }

  zoom(steps: number): void { this.map.setZoom(this.map.getZoom() + steps); }

  private press(e: LeafletMouseEvent): void {
    clearTimeout(this.pressing);
    this.pressing = setTimeout(() => this.actions.press(pointOf(e.latlng.wrap())), double);
  }

  private resize(): void {
    this.map.invalidateSize({ animate: false });
    this.popup.fit();
  }

  private arrived(): void {
    this.markers.place();
    const flown = this.popup.moving;
    this.popup.moving = false;
    if (flown) this.popup.makeRoom(); // not after the user has moved the map
  }
}

function makeMap(container: HTMLElement, maxZoom: number): LeafletMap {
  const moving = !matchMedia('(prefers-reduced-motion: reduce)').matches;
  return new LeafletMap(container, {
    center: [25, 10], zoom: 2, minZoom: 2, maxZoom, zoomControl: false, attributionControl: false, // MapPane has its own
    zoomAnimation: moving, fadeAnimation: moving, markerZoomAnimation: moving, inertia: moving, worldCopyJump: true,
    maxBounds: [[-85, -Infinity], [85, Infinity]], maxBoundsViscosity: 1, closePopupOnClick: false,
  });
}

function pointOf({ lat, lng }: { lat: number; lng: number }): Point {
  return { latitude: lat, longitude: lng };
}
