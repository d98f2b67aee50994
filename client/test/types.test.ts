import { expectTypeOf, test } from 'vitest'
import { createClient, type EventOf, type RowcallEvent, type RowOf, topic, type TopicOf } from '../src/index.js'

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

interface Orders {
  'orders/{customer:int}': { row: { id: number }; events: { 'orders.insert': { new: { id: number } } } }
  'orders/{customer:int}/items': { row: { item: string }; events: { 'items.insert': { new: { item: string } } } }
}

test('a topic is of a pattern that has as many parts', () => {
  expectTypeOf<RowOf<Orders, 'orders/7'>>().toEqualTypeOf<{ id: number }>()
  expectTypeOf<RowOf<Orders, 'orders/7/items'>>().toEqualTypeOf<{ item: string }>()
  expectTypeOf<EventOf<Orders, 'orders/7/items'>['type']>().toEqualTypeOf<'items.insert'>()
  expectTypeOf<EventOf<Orders, 'orders/7'>['type']>().toEqualTypeOf<'orders.insert' | 'items.insert'>()
  expectTypeOf<EventOf<Orders, `orders/${string}`>['type']>().toEqualTypeOf<'orders.insert' | 'items.insert'>()
  expectTypeOf<EventOf<Orders, 'orders'>['type']>().toEqualTypeOf<'orders.insert' | 'items.insert'>()
})

test('a topic that the database does not list is refused by the compiler', () => {
  const client = createClient<Orders>({ url: 'ws://server' })
  expectTypeOf<TopicOf<Orders>>().toEqualTypeOf<`orders/${string}` | `orders/${string}/items`>()
  expectTypeOf<TopicOf<{}>>().toEqualTypeOf<string>()
  const never = (id: number, text: string, some: `orders/${number}` | 'orders/7/items', other: `orders/${number}` | 'rooms') => {
    client.subscribe('orders/7', (event) => expectTypeOf(event).toEqualTypeOf<EventOf<Orders, 'orders/7'>>())
    client.subscribe(`orders/${id}`, (event) => expectTypeOf(event).toEqualTypeOf<EventOf<Orders, 'orders/7'>>())
    client.subscribe(`orders/${text}/items`, (event) => expectTypeOf(event.data.new.item).toBeString())
    client.subscribe(some, () => {})
    client.subscribe(text, (event) => expectTypeOf(event.type).toEqualTypeOf<'orders.insert' | 'items.insert'>())
    client.subscribe(topic`orders/${text}`, () => {})
    expectTypeOf(client.live({ topic: `orders/${id}` }).getSnapshot().state).toEqualTypeOf<{ id: number }[] | undefined>()
    client.events('orders/7')
    // @ts-expect-error there is no such topic
    client.subscribe('ordres/7', () => {})
    // @ts-expect-error this one lies above the topics that are listed
    client.subscribe('orders', () => {})
    // @ts-expect-error it has no parts below it but items
    client.subscribe('orders/7/lines', () => {})
    // @ts-expect-error a part is not empty
    client.subscribe('orders/', () => {})
    // @ts-expect-error one of the two topics is not listed
    client.subscribe(other, () => {})
    // @ts-expect-error
    client.events('rooms')
    // @ts-expect-error
    client.live({ topic: 'rooms' })
    // @ts-expect-error there is no such column
    client.subscribe('orders/7/items', (event) => event.data.new.itme)
  }
  expectTypeOf(never).toBeFunction()
})
