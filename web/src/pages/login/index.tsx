import { useState } from 'react';
import { useLocation, useSearchParams } from 'wouter';
import { describe } from '../../data/api.ts';
import { useUser } from '../../data/user.tsx';
import { Accounts } from '../../shell/Accounts.tsx';
import { Button } from '../../ui/Button.tsx';
import { Input } from '../../ui/Field.tsx';
import { Notice } from '../../ui/Notice.tsx';
import { Page } from '../../ui/Page.tsx';
import { Panel } from '../../ui/Panel.tsx';
import { destination } from './destination.ts';
import styles from './Login.module.css';

export default function Login() {
  const { login, demo } = useUser();
  const [, go] = useLocation();
  const [search] = useSearchParams();
  const [busy, setBusy] = useState(false);
  const there = destination(search.get('to'));
  const [wrong, setWrong] = useState('');
  const attempt = async (username: string, password: string) => {
    setBusy(true);
    setWrong('');
    try {
      await login(username, password);
      go(there);
    } catch (error) {
      setWrong(describe(error));
      setBusy(false);
    }
  };
  return (
    <Page title="Log in" intro="Log in to see your rooms, your jobs and the patients.">
      <div className={styles.columns}>
        <Panel>
          <form className={styles.form} onSubmit={(e) => { e.preventDefault(); void attempt(text(e.currentTarget, 'username'), text(e.currentTarget, 'password')); }}>
            {wrong && <Notice tone="bad">{wrong}</Notice>}
            <Input label="Username" name="username" autoComplete="username" autoCapitalize="none" spellCheck={false} required autoFocus />
            <Input label="Password" name="password" type="password" autoComplete="current-password" required />
            <Button type="submit" variant="primary" busy={busy}>Log in</Button>
          </form>
        </Panel>
        {demo && (
          <Panel title="Accounts of the demo">
            <p className={styles.hint}>The password of each account is its name. Open a private window to log in as a second user.</p>
            <Accounts onLogin={() => go(there)} />
          </Panel>
        )}
      </div>
    </Page>
  );
}

function text(form: HTMLFormElement, name: string): string {
  return String(new FormData(form).get(name) ?? '');
}
