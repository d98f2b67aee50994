import { useDeferredValue, useEffect, useMemo, useReducer, useState } from 'react';
import { useLive } from 'rowcall/react';
import type { Id } from '../../data/ids.ts';
import { useToast } from '../../ui/Toast.tsx';
import { arrive, noArrivals } from './arrivals.ts';
import { type Dam, damsOf, isPlaced, nameOf, type Placed, reduceDams } from './dams.ts';
import { type Fields, fieldsOf, noFields, number } from './fields.ts';
import type { Point } from './map/view.ts';

const none: readonly Dam[] = [];

/** Editing is the state of the open form. */
export interface Editing {
  id: Id | null; // null: a new dam
  before: Fields;
  fields: Fields;
}

// useDams is the state of the page: the present dams, the open popup or form, and the user's actions.
export function useDams() {
  const { state: now, status, error } = useLive({ topic: 'dams', reduce: reduceDams, from: damsOf });
  const state = useDeferredValue(now); // a bulk load draws the map only a few times
  const dams = state ?? none;
  const [open, setOpen] = useState<{ dam: Id } | { spot: Point } | null>(null);
  const [editing, setEditing] = useState<Editing | null>(null);
  const [saving, setSaving] = useState(false);
  const [into, bring] = useState<readonly Placed[]>([]);
  const [arrivals, step] = useReducer(arrive, noArrivals);
  const toast = useToast();
  useEffect(() => { if (state) step({ type: 'dams', dams: state }); }, [state]);

  const fresh = useMemo(() => new Set(arrivals.ids), [arrivals.ids]);
  const byId = (id: Id | null) => dams.find((dam) => dam.id === id);
  const shown = open && 'dam' in open ? byId(open.dam) : undefined;
  const spot = open && 'spot' in open ? open.spot : null;
  const arrived = saving ? none : arrivals.ids.flatMap((id) => byId(id) ?? []);
  const select = (dam: Dam) => {
    setOpen({ dam: dam.id });
    if (isPlaced(dam)) bring([dam]);
  };
  const write = (at: Point) => setEditing((was) => was && { ...was, fields: { ...was.fields, ...texts(at) } });
  const edit = (id: Id | null, before: Fields, fields: Fields) => {
    setOpen(null);
    setEditing({ id, before, fields });
  };
  return {
    dams, loading: !state, refusal: status === 'stopped' ? (error?.message ?? 'the server refused') : null,
    shown, spot, editing, into, arrived,
    fresh,
    gone: editing !== null && editing.id !== null && !byId(editing.id),
    draft: editing && place(editing.fields),
    openAt: shown && isPlaced(shown) ? shown : spot,
    select, write, setSaving,
    type: (fields: Fields) => setEditing((was) => was && { ...was, fields }),
    pick: (id: Id) => setOpen({ dam: id }),
    press: (at: Point) => (editing ? write(at) : setOpen(open ? null : { spot: at })),
    close: () => setOpen(null),
    stop: () => setEditing(null),
    add: (at: Point | null) => edit(null, noFields, at ? { ...noFields, ...texts(at) } : noFields),
    edit: (dam: Dam) => edit(dam.id, fieldsOf(dam), fieldsOf(dam)),
    saved: (dam: Dam) => {
      step({ type: 'mine', id: dam.id });
      toast(`${nameOf(dam)} is ${editing?.id === null ? 'added' : 'saved'}`, 'good');
      setEditing(null);
      select(dam);
    },
    nevermind: () => step({ type: 'seen' }),
    refresh: () => {
      bring(arrived.filter(isPlaced));
      step({ type: 'seen' });
      if (arrived.length === 1) setOpen({ dam: arrived[0]!.id });
    },
  };
}

function texts({ latitude, longitude }: Point): Pick<Fields, 'latitude' | 'longitude'> {
  return { latitude: latitude.toFixed(4), longitude: longitude.toFixed(4) };
}

function place(fields: Fields): Point | null {
  const at = { latitude: number(fields.latitude), longitude: number(fields.longitude) };
  return isPlaced(at as Dam) ? (at as Point) : null;
}
