import type { RowcallEvent } from 'rowcall';
import { describe, expect, it } from 'vitest';
import { arrive, noArrivals, type Arrivals } from './arrivals.ts';
import { group } from './clusters.ts';
import { type Dam, degrees, isPlaced, nameOf, type Placed, reduceDams, search } from './dams.ts';
import { changes, fieldsOf, mistakes, noFields, number } from './fields.ts';

const dam = (id: number, more: Partial<Dam> = {}): Placed =>
  ({ id, name: `Dam ${id}`, latitude: 40, longitude: -111, owner: null, river: null, date_built: null, ...more }) as Placed;
const event = (type: string, data: unknown): RowcallEvent => ({ topic: 'dams/1', id: '1', type, data, time: '' });

describe('reduceDams', () => {
  const two = [dam(1), dam(3)];

  it('adds in the order of ids, changes and removes', () => {
    expect(reduceDams(two, event('dam.create', dam(2))).map(({ id }) => id)).toEqual([1, 2, 3]);
    const moved = reduceDams(two, event('dam.update', dam(3, { latitude: 41 })));
    expect(moved[1]!.latitude).toBe(41);
    expect(moved[0]).toBe(two[0]);
    expect(reduceDams(two, event('dam.delete', { id: 1 }))).toEqual([dam(3)]);
  });

  it('leaves the dams as they are where nothing happens to them', () => {
    expect(reduceDams(two, event('dam.delete', { id: 9 }))).toBe(two);
    expect(reduceDams(two, event('hydrograph.assigned', { id: 1, dam_id: 3 }))).toBe(two);
  });
});

it('finds dams by any of their words', () => {
  const dams = [dam(1, { name: 'Hoover Dam', river: 'Colorado River' }), dam(2, { name: null, owner: 'Salt Lake City' })];
  expect(search(dams, ' river HOOVER ')).toEqual([dams[0]]);
  expect(search(dams, 'dam 2')).toEqual([dams[1]]);
  expect(search(dams, '')).toBe(dams);
});

it('places only dams that are somewhere on the earth', () => {
  expect([dam(1), dam(1, { latitude: null }), dam(1, { latitude: 91 }), dam(1, { longitude: Number.NaN })].map(isPlaced)).toEqual([true, false, false, false]);
  expect(degrees(36.016, -114.7377)).toBe('36.0160° N, 114.7377° W');
  expect(nameOf(dam(7, { name: '  ' }))).toBe('Dam 7');
});

describe('arrivals', () => {
  const seen = (state: Arrivals, ...ids: number[]) => arrive(state, { type: 'dams', dams: ids.map((id) => dam(id)) });

  it('does not tell of the dams that are there at first', () => {
    expect(seen(noArrivals, 1, 2).ids).toEqual([]);
  });

  it('tells of all that come until the box is closed', () => {
    const three = seen(seen(seen(noArrivals, 1), 1, 2), 1, 2, 3);
    expect(three.ids).toEqual([2, 3]);
    expect(arrive(three, { type: 'seen' }).ids).toEqual([]);
    expect(seen(arrive(three, { type: 'seen' }), 1, 2, 3, 4).ids).toEqual([4]);
  });

  it('forgets dams that go again', () => {
    expect(seen(seen(seen(noArrivals, 1), 1, 2, 3), 1, 3).ids).toEqual([3]);
  });

  it("is silent about the reader's own, whether the event or the answer comes first", () => {
    const first = seen(noArrivals, 1);
    expect(arrive(seen(first, 1, 2), { type: 'mine', id: 2 }).ids).toEqual([]);
    expect(seen(arrive(first, { type: 'mine', id: 2 }), 1, 2, 3).ids).toEqual([3]);
  });
});

describe('group', () => {
  const flat = (d: Placed) => ({ x: d.longitude, y: d.latitude });

  it('shows few dams one by one', () => {
    expect(group([dam(1), dam(2)], flat)).toHaveLength(2);
  });

  it('puts many in one place together, and loses none', () => {
    const many = Array.from({ length: 500 }, (_, i) => dam(i, { latitude: i % 50, longitude: (i * 7) % 120 }));
    const spots = group(many, flat);
    expect(spots.length).toBeLessThan(10);
    expect(spots.flatMap(({ dams }) => dams.map(({ id }) => id)).sort((a, b) => a - b)).toEqual(many.map(({ id }) => id));
    for (const spot of spots) {
      expect(spot.x).toBeCloseTo(spot.dams.reduce((sum, d) => sum + d.longitude, 0) / spot.dams.length);
    }
  });
});

describe('the form', () => {
  it('sends what was changed, and nothing for what is empty', () => {
    const before = fieldsOf(dam(1, { river: 'Provo', owner: 'City' }));
    expect(changes({ ...before, owner: ' ', latitude: '40,5' }, before)).toEqual({ owner: null, latitude: 40.5 });
    expect(changes({ ...noFields, name: ' Mauvoisin ' }, noFields)).toEqual({ name: 'Mauvoisin' });
  });

  it('knows where there is no place', () => {
    expect(Object.keys(mistakes({ ...noFields, latitude: '91', longitude: 'x' }))).toEqual(['name', 'latitude', 'longitude']);
    expect(mistakes({ ...noFields, name: 'A', latitude: '-90', longitude: '180' })).toEqual({});
    expect([number(' 7,5 '), number(''), number('1e999')]).toEqual([7.5, null, null]);
  });
});
