import { useState } from 'react';
import { useLocation } from 'wouter';
import { describe } from '../../data/api.ts';
import { callFunction, type Room } from '../../data/tables.ts';
import { Button } from '../../ui/Button.tsx';
import { Dialog, DialogActions } from '../../ui/Dialog.tsx';
import { Input } from '../../ui/Field.tsx';
import { Notice } from '../../ui/Notice.tsx';
import styles from './forms.module.css';

export function CreateRoom({ open, onClose }: { open: boolean; onClose: () => void }) {
  const [busy, setBusy] = useState(false);
  const [wrong, setWrong] = useState('');
  const [, go] = useLocation();
  const create = async (form: HTMLFormElement) => {
    const given = new FormData(form);
    const title = String(given.get('title')).trim();
    const code = String(given.get('code')).trim();
    setBusy(true);
    setWrong('');
    try {
      const room = await callFunction<Room>('create_room', code ? { title, join_code: code } : { title });
      onClose();
      go(`/chat/${room.id}`);
    } catch (error) {
      setWrong(describe(error));
    } finally {
      setBusy(false);
    }
  };
  return (
    <Dialog open={open} onClose={onClose} title="New room">
      <form className={styles.form} onSubmit={(e) => { e.preventDefault(); void create(e.currentTarget); }}>
        {wrong && <Notice tone="bad">{wrong}</Notice>}
        <Input label="Title" name="title" required maxLength={50} autoFocus autoComplete="off" />
        <Input label="Join code" name="code" minLength={4} maxLength={32} autoComplete="off" autoCapitalize="none" spellCheck={false} hint="4 to 32 characters. If you leave it empty, a code is generated." />
        <DialogActions>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" variant="primary" writes busy={busy}>Create room</Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}
