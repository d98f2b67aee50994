import { useState } from 'react';

export type Theme = 'system' | 'light' | 'dark';

const KEY = 'rowcall.theme'; // public/theme.js reads it before the first paint

const NEXT: Record<Theme, Theme> = { system: 'light', light: 'dark', dark: 'system' };

// useTheme returns the user's theme, and a function that switches to the next one.
export function useTheme(): [Theme, () => void] {
  const [theme, setTheme] = useState(chosen);
  return [theme, () => {
    const next = NEXT[theme];
    setTheme(next);
    keep(next);
  }];
}

function chosen(): Theme {
  const set = document.documentElement.dataset.theme;
  return set === 'light' || set === 'dark' ? set : 'system';
}

function keep(theme: Theme) {
  const root = document.documentElement;
  if (theme === 'system') delete root.dataset.theme;
  else root.dataset.theme = theme;
  try {
    if (theme === 'system') localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, theme);
  } catch {
    // Storage may be disabled: the theme is then kept as long as the page is open.
  }
}
