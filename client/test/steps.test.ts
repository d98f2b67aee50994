import { describe, expect, test } from 'vitest'
import { newCohort, type Cohort } from '../src/cohort.js'
import { newEntry, nextStep, passTurn, type Entry, type Step } from '../src/entry.js'
import { RowcallError } from '../src/error.js'

const [newest, middle, oldest] = [newCohort('c3'), newCohort('c2'), newCohort('c1')]

function entryWith(fields: Partial<Entry>): Entry {
  return { ...newEntry('room/1'), cohorts: [newest, middle, oldest], held: true, ...fields }
}

describe('the next step', () => {
  const cases: [string, Step, Partial<Entry>][] = [
    ['waits for an answer', 'wait', { awaiting: [newest] }],
    ['forgets a topic without followers and subscription', 'forget', { cohorts: [], held: false }],
    ['unsubscribes from a topic without followers', 'unsubscribe', { cohorts: [], held: true }],
    ['does not request a refused topic', 'wait', { refusal: new RowcallError('forbidden', '') }],
    ['waits while all cohorts are live', 'wait', { receiving: [newest, middle, oldest], caughtUp: true }],
    ['confirms that all cohorts have caught up', 'confirm', { receiving: [newest, middle, oldest] }],
    ['subscribes for the oldest at the start of a round', 'turn', { turn: -1 }],
    ['subscribes for a cohort that must receive alone', 'turn', { turn: 0, receiving: [newest, middle] }],
    ['confirms that the cohort whose turn it is has caught up', 'confirm', { turn: 1, receiving: [middle] }],
    ['waits for a cohort that was refused for a while', 'wait', { turn: 1, receiving: [newest], delayed: middle }],
    ['subscribes for all at the end of a round', 'all', { turn: 3, receiving: [oldest] }],
  ]
  for (const [name, step, fields] of cases) test(name, () => expect(nextStep(entryWith(fields), true)).toBe(step))

  test('waits while the connection is not open, and still forgets', () => {
    expect(nextStep(entryWith({ held: false }), false)).toBe('wait')
    expect(nextStep(entryWith({ cohorts: [], held: false }), false)).toBe('forget')
  })
})

describe('the turn', () => {
  const turnAfter = (turn: number, receiving: Cohort[], caughtUp: boolean) => {
    const entry = entryWith({ turn, receiving, caughtUp })
    passTurn(entry)
    return entry.turn
  }
  test('goes from the oldest to the newest, to each other and to all', () => {
    expect([turnAfter(-1, [oldest], true), turnAfter(0, [newest], true), turnAfter(2, [oldest], true)]).toEqual([0, 1, 3])
  })
  test('stays with a cohort that has not caught up or does not receive yet', () => {
    expect([turnAfter(1, [middle], false), turnAfter(1, [newest], true)]).toEqual([1, 1])
  })
  test('stays when all cohorts receive', () => {
    expect(turnAfter(3, [newest, middle, oldest], true)).toBe(3)
  })
})
