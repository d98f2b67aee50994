import { useState } from 'react';
import { Problem, describe } from '../../data/api.ts';
import { callFunction } from '../../data/rows.ts';
import { Button } from '../../ui/Button.tsx';
import { Input } from '../../ui/Field.tsx';
import { useToast } from '../../ui/Toast.tsx';
import styles from './forms.module.css';
import type { Asked } from './standing.ts';

// JoinForm asks to be let into a room. What comes of it is told on topic user/{id}.
export function JoinForm() {
  const [code, setCode] = useState('');
  const [wrong, setWrong] = useState('');
  const [busy, setBusy] = useState(false);
  const toast = useToast();
  const ask = async () => {
    setBusy(true);
    setWrong('');
    try {
      const { title } = await callFunction<Asked>('join_room', { code: code.trim() });
      setCode('');
      toast(`You have asked to join ${title}.`, 'good');
    } catch (error) {
      setWrong(error instanceof Problem && error.code === 'not_found' ? 'No room has this code.' : describe(error));
    } finally {
      setBusy(false);
    }
  };
  return (
    <form className={styles.line} onSubmit={(e) => { e.preventDefault(); void ask(); }}>
      <Input label="Join code" value={code} onChange={(e) => setCode(e.target.value)} error={wrong} autoComplete="off" autoCapitalize="none" spellCheck={false} required maxLength={32} />
      <Button type="submit" variant="primary" busy={busy}>Ask to join</Button>
    </form>
  );
}
