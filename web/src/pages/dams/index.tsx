import { lazy, Suspense, useCallback, useRef, useState } from 'react';
import { useLocation } from 'wouter';
import { useUser } from '../../data/user.tsx';
import { Button, ButtonLink } from '../../ui/Button.tsx';
import { Notice } from '../../ui/Notice.tsx';
import { Page } from '../../ui/Page.tsx';
import { Panel } from '../../ui/Panel.tsx';
import { Spinner } from '../../ui/Spinner.tsx';
import { ArrivalBox } from './ArrivalBox.tsx';
import { DamDetails } from './DamDetails.tsx';
import { DamForm } from './DamForm.tsx';
import { DamList } from './DamList.tsx';
import { type Dam, isPlaced } from './dams.ts';
import styles from './dams.module.css';
import { loadMap } from './map/load.ts';
import type { Point } from './map/view.ts';
import { SpotDetails } from './SpotDetails.tsx';
import { useDams } from './useDams.ts';

const MapPane = lazy(loadMap);

const sql = [
  "INSERT INTO dams (name, river, latitude, longitude) VALUES ('Mauvoisin', 'Drance de Bagnes', 46.0, 7.35);",
  "UPDATE dams SET name = 'Boulder Dam' WHERE name = 'Hoover Dam';",
  "DELETE FROM dams WHERE name = 'Mauvoisin';",
];

// Dams shows the present dams of the database on a map.
export default function Dams() {
  const { user } = useUser();
  const [address] = useLocation();
  const page = useDams();
  const centre = useRef<() => Point | null>(() => null); // until the map is loaded
  const onCentre = useCallback((ask: () => Point | null) => { centre.current = ask; }, []);
  const [reserved, setReserved] = useState(0);
  const frame = useRef<HTMLDivElement>(null);
  return (
    <Page
      title="Dams"
      intro="A shared map of dams and their hydrographs. When someone adds, moves or deletes a dam, every map shows it at once."
      actions={user
        ? <Button variant="primary" writes disabled={page.editing !== null} onClick={() => page.add(centre.current())}>Add a dam</Button>
        : <ButtonLink to={`/login?to=${encodeURIComponent(address)}`}>Log in to add dams</ButtonLink>}
      sql={sql}
    >
      {page.refusal && <Notice tone="bad">The dams cannot be shown: {page.refusal}.</Notice>}
      <div className={styles.split}>
        <div className={styles.map} ref={frame}>
          <Suspense fallback={<div className={styles.loading}><Spinner label="Loading the map" /></div>}>
            <MapPane
              dams={page.dams.filter(isPlaced)} selected={page.shown?.id ?? null} fresh={page.fresh} open={page.openAt} draft={page.draft}
              into={page.into} reserved={reserved} picking={page.editing !== null} onCentre={onCentre}
              select={page.pick} press={page.press} close={page.close} drag={page.write}
            >
              {page.shown && <DamDetails key={page.shown.id} dam={page.shown} onEdit={() => page.edit(page.shown!)} onClose={page.close} />}
              {page.spot && <SpotDetails at={page.spot} onAdd={() => page.add(page.spot!)} onClose={page.close} />}
            </MapPane>
          </Suspense>
          <ArrivalBox dams={page.arrived} onNevermind={page.nevermind} onRefresh={page.refresh} onHeight={setReserved} />
        </div>
        <Panel scroll="dams"><Side page={page} onSelect={(dam) => { page.select(dam); frame.current?.scrollIntoView({ block: 'nearest' }); }} /></Panel>
      </div>
    </Page>
  );
}

// Side stands beside the map, or below it on a phone: the open form, or else the list.
function Side({ page, onSelect }: { page: ReturnType<typeof useDams>; onSelect: (dam: Dam) => void }) {
  const { editing } = page;
  if (editing) {
    return (
      <DamForm
        key={editing.id} id={editing.id} before={editing.before} fields={editing.fields} gone={page.gone}
        onChange={page.type} onSaving={page.setSaving} onSaved={page.saved} onClose={page.stop}
      />
    );
  }
  if (page.loading) return <Spinner label="Loading the dams" />;
  return <DamList dams={page.dams} selected={page.shown?.id ?? null} fresh={page.fresh} onSelect={onSelect} />;
}
