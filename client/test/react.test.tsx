// @vitest-environment happy-dom
import { act, StrictMode, useState } from 'react'
import { createRoot, type Root } from 'react-dom/client'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { RowcallProvider, useLive, useStatus, useTopic } from '../src/react.js'
import { connect, openClient, subscribes } from './open_client.js'

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

const runTimers = () => act(() => vi.advanceTimersByTimeAsync(10))

test('StrictMode mounts twice, and subscribes once', async () => {
  const { server, client, commit } = openClient()
  const received: string[] = []
  function Dams() {
    const { state = [], status } = useLive({ topic: 'dams' })
    const [last, setLast] = useState('')
    useTopic('dams', (event) => {
      received.push(event.id)
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
  act(() => void connect(server))
  await runTimers()
  act(() => server.last().run())
  expect(server.sockets).toHaveLength(1)
  expect(subscribes(server.last())).toEqual([{ op: 'subscribe', topic: 'dams', snapshot: true }])
  expect(at.textContent).toBe('open live ')
  commit('dams', { id: 1, name: 'Hoover' })
  act(() => server.last().run())
  await runTimers()
  expect(at.textContent).toBe('open live Hoover Hoover')
  expect(received).toEqual(['1'])
})

test('a new topic replaces the topic before, and null follows nothing', async () => {
  const { server, client, commit } = openClient()
  const received: string[] = []
  function Room({ topic }: { topic: string | null }) {
    useTopic(topic, (event) => received.push(`${topic} ${event.topic}`))
    return useLive({ topic, from: (rows) => rows.length, reduce: (n: number) => n + 1 }).state
  }
  const show = async (topic: string | null) => {
    act(() => root.render(<RowcallProvider client={client}><Room topic={topic} /></RowcallProvider>))
    await runTimers()
    if (client.status === 'connecting') act(() => void connect(server))
    act(() => server.sockets.at(-1)?.run())
    await runTimers()
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
  act(() => server.last().run())
  await runTimers()
  expect([at.textContent, received]).toEqual(['2', ['room/2 room/2']])
  await show(null)
  expect(at.textContent).toBe('')
})

test('the handler of the last render is called', async () => {
  const { server, client, commit } = openClient()
  const received: string[] = []
  function Room({ name }: { name: string }) {
    useTopic('room/1', () => received.push(name))
    return null
  }
  const show = (name: string) => act(() => root.render(<RowcallProvider client={client}><Room name={name} /></RowcallProvider>))
  show('a')
  act(() => void connect(server))
  show('b')
  commit('room/1')
  act(() => server.last().run())
  expect(received).toEqual(['b'])
  expect(subscribes(server.last())).toHaveLength(1)
})
