import { persist } from '../../../shell/load.ts';

// loadMap loads the map, which is a file of its own.
export const loadMap = persist(() => import('./MapPane.tsx'));
