import { Moon, Screen, Sun } from '../ui/icons.tsx';
import styles from './ThemeButton.module.css';
import { useTheme } from './theme.ts';

const LOOKS = {
  system: { Icon: Screen, says: 'Theme: system' },
  light: { Icon: Sun, says: 'Theme: light' },
  dark: { Icon: Moon, says: 'Theme: dark' },
};

// ThemeButton switches from the system's theme to light, to dark, and back.
export function ThemeButton() {
  const [theme, next] = useTheme();
  const { Icon, says } = LOOKS[theme];
  return <button type="button" className={styles.button} title={says} aria-label={says} onClick={next}><Icon /></button>;
}
