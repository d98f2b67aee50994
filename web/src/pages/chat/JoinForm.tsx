import { useState } from 'react';
import { Problem, describe } from '../../data/api.ts';
import { callFunction } from '../../data/tables.ts';
import { Button } from '../../ui/Button.tsx';
import { Input } from '../../ui/Field.tsx';
import { requestKey } from '../../shell/News.tsx';
import { useToast } from '../../ui/Toast.tsx';
import styles from './forms.module.css';
import type { Asked } from './standing.ts';

// JoinForm asks to join a room. The answer arrives on topic user/{id}, where shell/News.tsx withdraws the toast.
export function JoinForm() {
  const [code, setCode] = useState('');
  const [wrong, setWrong] = useState('');
  const [busy, setBusy] = useState(false);
  const toast = useToast();
  const ask = async () => {
    setBusy(true);
    setWrong('');
    try {
      const { id, title } = await callFunction<Asked>('join_room', { code: code.trim() });
      setCode('');
      toast(`You have asked to join ${title}.`, 'good', requestKey(id));
    } catch (error) {
      setWrong(error instanceof Problem && error.code === 'not_found' ? 'No room has this code.' : describe(error));
    } finally {
      setBusy(false);
    }
  };
  return (
    <form className={styles.line} onSubmit={(e) => { e.preventDefault(); void ask(); }}>
      <Input label="Join code" value={code} onChange={(e) => setCode(e.target.value)} error={wrong} autoComplete="off" autoCapitalize="none" spellCheck={false} required maxLength={32} />
      <Button type="submit" variant="primary" writes busy={busy}>Ask to join</Button>
    </form>
  );
}
