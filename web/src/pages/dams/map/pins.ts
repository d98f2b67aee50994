// The elements of markers. They are buttons, so that the keyboard reaches them.

import styles from './map.module.css';

function button(className: string): HTMLButtonElement {
  const made = document.createElement('button');
  made.type = 'button';
  made.className = className;
  return made;
}

export function pin(): HTMLElement {
  const made = button(styles.pin!);
  made.append(shape(styles.drop!));
  return made;
}

export function draftPin(): HTMLElement {
  const made = document.createElement('div');
  made.className = `${styles.pin} ${styles.draft}`;
  made.append(shape(styles.drop!));
  return made;
}

function shape(className: string): HTMLElement {
  const made = document.createElement('span');
  made.className = className;
  return made;
}

/** bubble is the marker of several dams. */
export function bubble(count: number): HTMLElement {
  const made = button(styles.bubble!);
  made.textContent = count > 999 ? '999+' : String(count);
  made.setAttribute('aria-label', `${count} dams: zoom in`);
  return made;
}
