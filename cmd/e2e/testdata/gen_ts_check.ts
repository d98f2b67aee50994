// gen_ts_test.go compiles this file against the types that it has generated. A line below @ts-expect-error must not compile. Nothing is run.
import { createClient, topic, type EventOf, type Registered, type RowOf } from 'rowcall'
import { useLive, useTopic } from 'rowcall/react'
import type * as shop from './rowcall.js'

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
const holds = <_ extends true>() => {}

type Event<T extends string, Type extends string> = Extract<EventOf<Registered, T>, { type: Type }>
type Orders = `orders/${number}`

// Rows: nullability, numbers, enums, domains, composite types, arrays.
holds<Same<RowOf<Registered, Orders>, shop.OrdersRow>>()
holds<Same<shop.OrdersRow['id'], shop.Int8>>()
holds<Same<shop.OrdersRow['customer_id'], number | null>>()
holds<Same<shop.OrdersRow['status'], 'open' | 'paid' | "it's \\ \n */ `${1}`">>()
holds<Same<shop.OrdersRow['total'], shop.Numeric | null>>()
holds<Same<shop.OrdersRow['weight'], number | 'NaN' | 'Infinity' | '-Infinity' | null>>()
holds<Same<shop.OrdersRow['amount'], shop.Numeric>>() // of a domain that is NOT NULL
holds<Same<shop.OrdersRow['parcels'], (shop.Parcel | null)[] | null>>()
holds<Same<shop.Parcel, { weight: shop.Numeric | null; sizes: (number | null)[] | null; state: shop.OrderState | null }>>()
holds<Same<shop.OrdersRow['grid'], (number | null)[][] | null>>()
holds<Same<shop.OrdersRow['extra'], shop.Json | null>>()
holds<Same<shop.OrdersRow['during'], string | null>>()
holds<Same<keyof shop.OrdersRow & ('secret' | 'gone'), never>>() // hidden, and dropped
holds<Same<shop.OrdersKey, { id: string }>>()
holds<Same<shop.StockRow, { shop: string; n: string; counts: (string | null)[] | null }>>() // numbers: text
holds<Same<shop.StockKey, { shop: string; n: string }>>()
holds<Same<[shop.OrderItemsRow["id"], shop.OrderItems2Row["code"]], [number, string]>>() // names that become equal

// Events: a union by type, each with its data.
holds<Same<EventOf<Registered, Orders>['type'], 'orders.insert' | 'orders.update' | 'orders.delete' | 'orders.enter' | 'orders.leave'>>()
holds<Same<Event<Orders, 'orders.update'>['data'], { op: 'update'; key: shop.OrdersKey; new: shop.OrdersRow; old: Partial<shop.OrdersRow> }>>()
holds<Same<Event<Orders, 'orders.leave'>['data'], { op: 'leave'; key: shop.OrdersKey; old: shop.OrdersRow }>>()
holds<Same<EventOf<Registered, 'stock/1'>['type'], 'stock.insert'>>()
holds<Same<EventOf<Registered, 'notes/1'>, import('rowcall').RowcallEvent>>() // a trigger of the user's own
holds<Same<RowOf<Registered, 'notes/1'>['mood'], shop.OrderState | null>>()

export function compiled(id: number, state: shop.OrderState, text: string) {
  const client = createClient()
  client.subscribe(`orders/${id}`, (event) => {
    if (event.type === 'orders.insert') return event.data.new.status
    // @ts-expect-error only an update, a delete and a leave have an old row
    if (event.type === 'orders.enter') return event.data.old
    // @ts-expect-error there is no such type
    if (event.type === 'orders.truncate') return
    // @ts-expect-error a leave has no new row
    if (event.type === 'orders.leave') return event.data.new
    if (event.type === 'orders.update') {
      const before: string | undefined = event.data.old.status
      return before
    }
    return event.data.key.id.length
  })
  if (state === 'open' || state === 'paid') client.subscribe(`states/${state}`, (event) => event.data.op)
  // @ts-expect-error one of the labels has a slash, and has to be written with topic
  client.subscribe(`states/${state}`, () => {})
  client.subscribe(topic`states/${text}`, (event) => event.type)
  const live = client.live({ topic: 'orders/7' })
  const total: shop.Numeric | null | undefined = live.getSnapshot().state?.[0]?.total
  useTopic('stock/1', (event) => event.data.new.shop)
  useLive({ topic: 'orders/7' }).state?.map((row) => row.status)
  // @ts-expect-error there is no such topic
  client.subscribe('ordres/7', () => {})
  // @ts-expect-error a column that is hidden
  client.subscribe('orders/7', (event) => 'new' in event.data && event.data.new.secret)
  // @ts-expect-error there is no such topic
  useTopic('stocks/1', () => {})
  // @ts-expect-error there is no such column
  useLive({ topic: 'orders/7' }).state?.map((row) => row.states)
  // @ts-expect-error there is no such label
  const wrong: shop.OrderState = 'opened'
  return [total, wrong]
}
