// The names that are shown at a zoom, and their positions. Positions are in pixels of the whole world at that zoom, so that
// two tiles agree about a name that lies across both.

import type { Name, World } from './world.ts';

export type Kind = 'country' | 'state' | 'sea';

export interface Placed {
  lines: string[];
  kind: Kind;
  x: number;
  y: number;
  width: number;
  height: number;
}

export type Measure = (text: string, kind: Kind, zoom: number) => number;

/** fontSize returns the size in pixels. */
export function fontSize(kind: Kind, zoom: number): number {
  switch (kind) {
    case 'country': return Math.min(10 + Math.max(0, zoom - 3), 15);
    case 'state': return zoom < 6 ? 10 : 11;
    case 'sea': return 11;
  }
}

/** wrap breaks a long name into two lines of similar length. */
export function wrap(name: string): string[] {
  const words = name.split(' ');
  if (name.length < 14 || words.length < 2) return [name];
  let best = [name];
  for (let i = 1; i < words.length; i++) {
    const lines = [words.slice(0, i).join(' '), words.slice(i).join(' ')];
    if (widest(lines) < widest(best)) best = lines;
  }
  return best;
}

const widest = (lines: string[]) => Math.max(...lines.map((line) => line.length));

/** place chooses the names for a zoom: seas first, then countries and states, those with the most room first. */
export function place(world: World, zoom: number, measure: Measure): Placed[] {
  const scale = (256 * 2 ** zoom) / world.width;
  const placed: Placed[] = [];
  const add = (kind: Kind, name: string, at: number[], room: number) => {
    const lines = wrap(name);
    const width = Math.max(...lines.map((line) => measure(line, kind, zoom)));
    const height = lines.length * fontSize(kind, zoom) * 1.2;
    const label = { lines, kind, x: at[0]! * scale, y: at[1]! * scale, width, height };
    const fits = width / 2 <= room * scale * 1.7;
    if (fits && !placed.some((other) => overlap(label, other))) placed.push(label);
  };
  for (const sea of world.seas) if (zoom >= sea.zoom) add('sea', sea.name, sea.at, Infinity);
  if (zoom >= 3) for (const { name, at, room } of byRoom(world.countries)) add('country', name, at, room);
  if (zoom >= 5) for (const { name, at, room } of byRoom(world.states)) add('state', name, at, room);
  return placed;
}

const byRoom = (names: Name[]) => [...names].sort((a, b) => b.room - a.room);

function overlap(a: Placed, b: Placed): boolean {
  const gap = 8;
  return Math.abs(a.x - b.x) < (a.width + b.width) / 2 + gap && Math.abs(a.y - b.y) < (a.height + b.height) / 2 + gap;
}
