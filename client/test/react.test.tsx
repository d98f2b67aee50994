// @vitest-environment happy-dom
import { act, StrictMode, useState } from 'react'
import { createRoot, type Root } from 'react-dom/client'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { RowcallProvider, useLive, useStatus, useTopic } from '../src/react.js'
import { connect, stand, subscribes } from './stand.js'

let root: Root
let at: HTMLElement
beforeEach(() => {
  vi.stubGlobal('IS_REACT_ACT_ENVIRONMENT', true)
  vi.useFakeTimers()
  at = document.createElement('div')
  root = createRoot(at)
})
afterEach(() => {
  act(() => root.unmount())
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

const settle = () => act(() => vi.advanceTimersByTimeAsync(10))

test('StrictMode mounts twice, and asks once', async () => {
  const { model, client, commit } = stand()
  const heard: string[] = []
  function Dams() {
    const { state = [], status } = useLive({ topic: 'dams' })
    const [last, setLast] = useState('')
    useTopic('dams', (event) => {
      heard.push(event.id)
      setLast(event.data.name)
    })
    return <p>{[useStatus(), status, last, ...state.map((dam) => dam.name)].join(' ')}</p>
  }
  act(() =>
    root.render(
      <StrictMode>
        <RowcallProvider client={client}>
          <Dams />
        </RowcallProvider>
      </StrictMode>,
    ),
  )
  expect(at.textContent).toBe('connecting loading ')
  act(() => void connect(model))
  await settle()
  act(() => model.last().flow())
  expect(model.sockets).toHaveLength(1)
  expect(subscribes(model.last())).toEqual([{ op: 'subscribe', topic: 'dams', snapshot: true }])
  expect(at.textContent).toBe('open live ')
  commit('dams', { id: 1, name: 'Hoover' })
  act(() => model.last().flow())
  await settle()
  expect(at.textContent).toBe('open live Hoover Hoover')
  expect(heard).toEqual(['1'])
})

test('another topic takes the place of the one before, and none follows nothing', async () => {
  const { model, client, commit } = stand()
  const heard: string[] = []
  function Room({ topic }: { topic: string | null }) {
    useTopic(topic, (event) => heard.push(`${topic} ${event.topic}`))
    return useLive({ topic, from: (rows) => rows.length, reduce: (n: number) => n + 1 }).state
  }
  const show = async (topic: string | null) => {
    act(() => root.render(<RowcallProvider client={client}><Room topic={topic} /></RowcallProvider>))
    await settle()
    if (client.status === 'connecting') act(() => void connect(model))
    act(() => model.sockets.at(-1)?.flow())
    await settle()
  }
  await show(null)
  expect(client.status).toBe('idle')
  commit('room/2')
  await show('room/1')
  expect(at.textContent).toBe('0')
  await show('room/2')
  expect(at.textContent).toBe('1')
  commit('room/1')
  commit('room/2')
  act(() => model.last().flow())
  await settle()
  expect([at.textContent, heard]).toEqual(['2', ['room/2 room/2']])
  await show(null)
  expect(at.textContent).toBe('')
})

test('handlers are those of the last render', async () => {
  const { model, client, commit } = stand()
  const heard: string[] = []
  function Room({ name }: { name: string }) {
    useTopic('room/1', () => heard.push(name))
    return null
  }
  const show = (name: string) => act(() => root.render(<RowcallProvider client={client}><Room name={name} /></RowcallProvider>))
  show('a')
  act(() => void connect(model))
  show('b')
  commit('room/1')
  act(() => model.last().flow())
  expect(heard).toEqual(['b'])
  expect(subscribes(model.last())).toHaveLength(1)
})
