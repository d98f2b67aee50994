import { type ReactNode, useEffect, useLayoutEffect, useRef, useState } from 'react';
import { createPortal } from 'react-dom';
import { useReconnected } from '../../../data/online.ts';
import { useUser } from '../../../data/user.tsx';
import { classes } from '../../../ui/classes.ts';
import { Icon, Plus } from '../../../ui/icons.tsx';
import { Notice } from '../../../ui/Notice.tsx';
import { Button } from '../../../ui/Button.tsx';
import type { Placed } from '../dams.ts';
import styles from './map.module.css';
import { type MapActions, MapView, type Point, type MapContent } from './view.ts';

const Minus = () => <Icon><path d="M4 10h12" /></Icon>;
const Whole = () => <Icon><path d="M3.5 7.5v-4h4M16.5 7.5v-4h-4M3.5 12.5v4h4M16.5 12.5v4h-4" /></Icon>;

export interface MapPaneProps extends MapContent, MapActions {
  into: readonly Placed[]; // the map moves to these dams when the array changes
  picking: boolean; // a click chooses the position of a dam
  onCentre: (centre: () => Point | null) => void; // receives a function that returns the centre of the map
  children: ReactNode; // the content of the popup
}

// MapPane is the map with its buttons. It fills its container.
export default function MapPane({ into, picking, onCentre, children, select, press, close, drag, ...content }: MapPaneProps) {
  const { tiles } = useUser();
  const container = useRef<HTMLDivElement>(null);
  const actions = useRef<MapActions>({ select, press, close, drag });
  const [view, setView] = useState<MapView | null>(null);
  const [bare, setBare] = useState(false);
  const retry = () => { setBare(false); view?.layers.layBasemap(); };
  useLayoutEffect(() => { actions.current = { select, press, close, drag }; });
  useLayoutEffect(() => {
    const made = new MapView(container.current!, tiles, {
      select: (id) => actions.current.select(id),
      press: (at) => actions.current.press(at),
      close: () => actions.current.close(),
      drag: (at) => actions.current.drag(at),
    });
    made.layers.onFailure = () => setBare(true);
    setView(made);
    return () => made.end();
  }, [tiles]);
  useReconnected(() => { if (bare) retry(); });
  useEffect(() => { if (view) onCentre(() => view.centre()); }, [view, onCentre]);
  useLayoutEffect(() => view?.show(content));
  useEffect(() => { if (into.length) view?.bring(into); }, [view, into]);
  return (
    <div className={styles.frame}>
      <div ref={container} className={classes(styles.map, picking && styles.picking, content.open && styles.busy)} role="region" aria-label="Map of dams" />
      <div className={styles.controls}>
        <button type="button" aria-label="Zoom in" onClick={() => view?.zoom(1)}><Plus /></button>
        <button type="button" aria-label="Zoom out" onClick={() => view?.zoom(-1)}><Minus /></button>
        <button type="button" aria-label="Show all dams" title="Show all dams" onClick={() => view?.bring(content.dams)}><Whole /></button>
      </div>
      <p className={styles.credit}>{tiles ? tiles.attribution : 'Natural Earth'} · Leaflet</p>
      {bare && <Bare again={retry} />}
      {view && createPortal(children, view.popup.content)}
    </div>
  );
}

function Bare({ again }: { again: () => void }) {
  return (
    <div className={styles.bare}>
      <Notice tone="warn" actions={<Button small onClick={again}>Try again</Button>}>The basemap could not be loaded. The dams are shown without it.</Notice>
    </div>
  );
}
