import type { RowcallEvent } from 'rowcall';
import { describe, expect, it } from 'vitest';
import { compareIds } from '../../data/ids.ts';
import { arrive, noArrivals, type Arrivals } from './arrivals.ts';
import { group } from './clusters.ts';
import { type Dam, damsOf, degrees, isPlaced, nameOf, type Placed, reduceDams, search } from './dams.ts';
import { changes, fieldsOf, mistakes, noFields, number } from './fields.ts';

const dam = (id: number | string, more: Partial<Dam> = {}): Placed =>
  ({ id: String(id), name: `Dam ${id}`, latitude: 40, longitude: -111, owner: null, river: null, date_built: null, ...more }) as Placed;
const event = (type: string, data: unknown): RowcallEvent => ({ topic: 'dams/1', id: '1', type, data, time: '' });

describe('reduceDams', () => {
  const two = [dam(1), dam(3)];

  it('adds in the order of ids, changes and removes', () => {
    expect(reduceDams(two, event('dam.create', dam(2))).map(({ id }) => id)).toEqual(['1', '2', '3']);
    const moved = reduceDams(two, event('dam.update', dam(3, { latitude: 41 })));
    expect(moved[1]!.latitude).toBe(41);
    expect(moved[0]).toBe(two[0]);
    expect(reduceDams(two, event('dam.delete', { id: 1 }))).toEqual([dam(3)]);
  });

  it('tells dams with ids beyond 2^53 apart', () => {
    const near = damsOf([dam('9007199254740993'), { ...dam(1), id: 1 }, dam('9007199254740992')]);
    expect(near.map(({ id }) => id)).toEqual(['1', '9007199254740992', '9007199254740993']);
    expect(reduceDams(near, event('dam.delete', { id: '9007199254740993' }))).toEqual([near[0], near[1]]);
    expect(reduceDams(near, event('dam.create', dam('9007199254740994')))).toHaveLength(4);
  });

  it('returns the same array if no dam changes', () => {
    expect(reduceDams(two, event('dam.delete', { id: 9 }))).toBe(two);
    expect(reduceDams(two, event('hydrograph.assigned', { id: 1, dam_id: 3 }))).toBe(two);
  });
});

it('finds dams that contain every word', () => {
  const dams = [dam(1, { name: 'Hoover Dam', river: 'Colorado River' }), dam(2, { name: null, owner: 'Salt Lake City' })];
  expect(search(dams, ' river HOOVER ')).toEqual([dams[0]]);
  expect(search(dams, 'dam 2')).toEqual([dams[1]]);
  expect(search(dams, '')).toBe(dams);
});

it('places only dams with valid coordinates', () => {
  expect([dam(1), dam(1, { latitude: null }), dam(1, { latitude: 91 }), dam(1, { longitude: Number.NaN })].map(isPlaced)).toEqual([true, false, false, false]);
  expect(degrees(36.016, -114.7377)).toBe('36.0160° N, 114.7377° W');
  expect(nameOf(dam(7, { name: '  ' }))).toBe('Dam 7');
});

describe('arrivals', () => {
  const seen = (state: Arrivals, ...ids: number[]) => arrive(state, { type: 'dams', dams: ids.map((id) => dam(id)) });

  it('does not report the first dams', () => {
    expect(seen(noArrivals, 1, 2).ids).toEqual([]);
  });

  it('reports all new dams until the box is closed', () => {
    const three = seen(seen(seen(noArrivals, 1), 1, 2), 1, 2, 3);
    expect(three.ids).toEqual(['2', '3']);
    expect(arrive(three, { type: 'seen' }).ids).toEqual([]);
    expect(seen(arrive(three, { type: 'seen' }), 1, 2, 3, 4).ids).toEqual(['4']);
  });

  it('forgets dams that were deleted', () => {
    expect(seen(seen(seen(noArrivals, 1), 1, 2, 3), 1, 3).ids).toEqual(['3']);
  });

  it("does not report the user's own dam, whether its event or the answer arrives first", () => {
    const first = seen(noArrivals, 1);
    expect(arrive(seen(first, 1, 2), { type: 'mine', id: '2' }).ids).toEqual([]);
    expect(seen(arrive(first, { type: 'mine', id: '2' }), 1, 2, 3).ids).toEqual(['3']);
  });
});

describe('group', () => {
  const flat = (d: Placed) => ({ x: d.longitude, y: d.latitude });

  it('does not group a few dams', () => {
    expect(group([dam(1), dam(2)], flat)).toHaveLength(2);
  });

  it('groups many dams, and loses none', () => {
    const many = Array.from({ length: 500 }, (_, i) => dam(i, { latitude: i % 50, longitude: (i * 7) % 120 }));
    const spots = group(many, flat);
    expect(spots.length).toBeLessThan(10);
    expect(spots.flatMap(({ dams }) => dams.map(({ id }) => id)).sort(compareIds)).toEqual(many.map(({ id }) => id));
    for (const spot of spots) {
      expect(spot.x).toBeCloseTo(spot.dams.reduce((sum, d) => sum + d.longitude, 0) / spot.dams.length);
    }
  });
});

describe('the form', () => {
  it('sends the changed columns, and null for empty fields', () => {
    const before = fieldsOf(dam(1, { river: 'Provo', owner: 'City' }));
    expect(changes({ ...before, owner: ' ', latitude: '40,5' }, before)).toEqual({ owner: null, latitude: 40.5 });
    expect(changes({ ...noFields, name: ' Mauvoisin ' }, noFields)).toEqual({ name: 'Mauvoisin' });
  });

  it('finds invalid coordinates', () => {
    expect(Object.keys(mistakes({ ...noFields, latitude: '91', longitude: 'x' }))).toEqual(['name', 'latitude', 'longitude']);
    expect(mistakes({ ...noFields, name: 'A', latitude: '-90', longitude: '180' })).toEqual({});
    expect([number(' 7,5 '), number(''), number('1e999')]).toEqual([7.5, null, null]);
  });
});
