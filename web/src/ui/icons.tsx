import type { ReactNode } from 'react';

// Icon is a drawing of 20 by 20 pixels in the colour of the text. It is hidden from screen readers: put its meaning into
// words.
export function Icon({ children }: { children: ReactNode }) {
  return (
    <svg width="20" height="20" viewBox="0 0 20 20" fill="none" stroke="currentColor" strokeWidth="1.6" strokeLinecap="round" strokeLinejoin="round" aria-hidden="true" focusable="false">
      {children}
    </svg>
  );
}

export const Cross = () => <Icon><path d="M5 5l10 10M15 5L5 15" /></Icon>;
export const Check = () => <Icon><path d="M4 10.5l4 4 8-9" /></Icon>;
export const Copy = () => <Icon><rect x="7" y="7" width="9" height="10" rx="2" /><path d="M13 7V5a2 2 0 0 0-2-2H6a2 2 0 0 0-2 2v6a2 2 0 0 0 2 2h1" /></Icon>;
export const Sun = () => <Icon><circle cx="10" cy="10" r="3.4" /><path d="M10 2.5v1.6M10 15.9v1.6M2.5 10h1.6M15.9 10h1.6M4.7 4.7l1.1 1.1M14.2 14.2l1.1 1.1M4.7 15.3l1.1-1.1M14.2 5.8l1.1-1.1" /></Icon>;
export const Moon = () => <Icon><path d="M16.5 11.8A6.8 6.8 0 0 1 8.2 3.5a6.8 6.8 0 1 0 8.3 8.3z" /></Icon>;
export const Screen = () => <Icon><rect x="2.5" y="3.5" width="15" height="10" rx="1.6" /><path d="M7 16.8h6" /></Icon>;
export const Menu = () => <Icon><path d="M3 5.5h14M3 10h14M3 14.5h14" /></Icon>;
export const Down = () => <Icon><path d="M5.5 8l4.5 4.5L14.5 8" /></Icon>;
export const Plus = () => <Icon><path d="M10 4v12M4 10h12" /></Icon>;
export const Pencil = () => <Icon><path d="M4 16l.8-3.4L13.4 4a1.6 1.6 0 0 1 2.3 0l.3.3a1.6 1.6 0 0 1 0 2.3L7.4 15.2 4 16z" /></Icon>;
export const Bin = () => <Icon><path d="M3.5 5.5h13M8 5.5V3.8h4v1.7M5.3 5.5l.8 11h7.8l.8-11M8.5 9v4.5M11.5 9v4.5" /></Icon>;
export const Clock = () => <Icon><circle cx="10" cy="10" r="7" /><path d="M10 6v4.2l2.8 1.8" /></Icon>;
export const Send = () => <Icon><path d="M3.2 9.4L16.8 3.4 12 16.8l-2.6-5-6.2-2.4zM9.4 11.8l7.4-8.4" /></Icon>;
