import { expectTypeOf, test } from 'vitest'
import { createClient, type EventOf, type RowcallEvent, type RowOf } from '../src/index.js'

interface Message {
  id: string
  message: string
}
interface Mine {
  'room/{room_id:int}': { row: Message; events: { created: Message; deleted: { id: string } } }
  dams: { row: { id: number } }
  'dams/{id}': { events: { 'dam.create': { id: number; name: string } } }
}

test('a topic determines the types of its events and rows', () => {
  type Room = EventOf<Mine, 'room/42'>
  expectTypeOf<Room>().toEqualTypeOf<RowcallEvent<'created', Message> | RowcallEvent<'deleted', { id: string }>>()
  expectTypeOf<EventOf<Mine, `room/${number}`>>().toEqualTypeOf<Room>()
  expectTypeOf<EventOf<Mine, 'dams/3'>['data']['name']>().toEqualTypeOf<string>()
  expectTypeOf<EventOf<Mine, 'elsewhere'>>().toEqualTypeOf<RowcallEvent>()
  expectTypeOf<EventOf<{}, 'room/42'>>().toEqualTypeOf<RowcallEvent>()
  expectTypeOf<RowOf<Mine, 'room/1'>>().toEqualTypeOf<Message>()
  expectTypeOf<RowOf<Mine, 'dams'>>().toEqualTypeOf<{ id: number }>()
})

test('a client knows the types of its database', () => {
  const client = createClient<Mine>({ url: 'ws://server' })
  const never = () => {
    client.subscribe('room/1', (event) => expectTypeOf(event).toEqualTypeOf<EventOf<Mine, 'room/1'>>())
    const live = client.live({ topic: 'room/1' })
    expectTypeOf(live.getSnapshot().state).toEqualTypeOf<Message[] | undefined>()
    const count = client.live({ topic: 'room/1', from: (rows) => rows.length, reduce: (n: number, event) => n + event.id.length })
    expectTypeOf(count.getSnapshot().state).toEqualTypeOf<number | undefined>()
    createClient().subscribe('anything', (event) => expectTypeOf(event.data).toBeAny())
  }
  expectTypeOf(never).toBeFunction()
})
