// Follows a room with the built package, in every way that the package offers, while the connection is cut. Run by a test:
//
//     node test/real/thousand.mjs http://127.0.0.1:8080 <cookie> <events> <seconds>
//
// The test writes the message "hello" until this program prints "ready": then each follower has received it, and will
// receive all that comes. In the end it prints for each follower what it has received, or gives up after some seconds.
import { createClient } from 'rowcall'
import WebSocket from 'ws'

const [url, cookie, count, seconds] = process.argv.slice(2)
const total = Number(count)

let sockets = 0
class WithCookie extends WebSocket {
  constructor(address, protocols) {
    super(address, protocols, { headers: { cookie } })
    sockets++
  }
}

const client = createClient({ url, WebSocket: WithCookie, backoff: { min: 5, max: 50 } })
const numbers = (from) => Array.from({ length: total - from }, (_, i) => from + i)
const number = (event) => Number(event.data.message)
const waiting = []

/** Returns a function that collects event numbers, from a number to the last, and prints whether each came once. */
function collect(name, from = 0) {
  let finish
  const received = []
  waiting.push(
    new Promise((resolve) => (finish = resolve)).then(() => {
      const exact = JSON.stringify(received) === JSON.stringify(numbers(from))
      console.log(`${name}: ${exact ? 'each once, in order' : `received ${received.join(' ')}`}`)
    }),
  )
  return (n) => {
    received.push(n)
    if (n === total - 1) finish()
  }
}

const greeted = new Set()

/** Reports whether an event is a greeting, and prints "ready" when the last of the three first followers is greeted. */
function isGreeting(event, follower) {
  if (event.data.message !== 'hello') return false
  const before = greeted.size
  if (greeted.add(follower).size === 3 && before === 2) console.log('ready')
  return true
}

const onReset = ({ reason }) => console.log(`reset: ${reason}`)
const onError = (error) => console.log(`error: ${error.code}`)

let begun = false
const now = collect('from now')
client.subscribe('room/1', now_, { onReset, onError, onStatus: (status) => status === 'live' && ready() })

function ready() {
  if (begun) return
  begun = true
  void loop(collect('a loop with a small buffer'))
  live(collect('a live state'))
}

function now_(event, { cursor }) {
  if (isGreeting(event, 'subscription')) return
  const n = number(event)
  now(n)
  if (n === 100) setTimeout(resume, 200, cursor, 101)
  if (n === 300) live(collect('a live state of later'))
  if (n === 400) setTimeout(resume, 50, cursor, 401)
}

function resume(since, from) {
  const add = collect(`since event ${from - 1}`, from)
  client.subscribe('room/1', (event) => add(number(event)), { since, onReset, onError })
}

async function loop(add) {
  for await (const event of client.events('room/1', { buffer: 7 })) {
    if (isGreeting(event, 'loop')) continue
    add(number(event))
    if (number(event) % 50 === 0) await new Promise((resolve) => setTimeout(resolve, 20))
    if (number(event) === total - 1) break
  }
}

/** Collects the numbers of a live state, from its snapshot and its events, in the order in which they were added. */
function live(add) {
  let known = 0
  const room = client.live({
    topic: 'room/1',
    from: (rows) => rows.filter((row) => /^\d+$/.test(row.message)).map((row) => Number(row.message)),
    reduce: (state, event) => (isGreeting(event, 'live') ? state : [...state, number(event)]),
  })
  room.subscribe(() => {
    const { state = [] } = room.getSnapshot()
    for (const n of state.slice(known)) add(n)
    known = state.length
  })
}

setTimeout(() => {
  console.log('some events did not arrive')
  process.exit(1)
}, seconds * 1000).unref()
while (!begun) await new Promise((resolve) => setTimeout(resolve, 10))
for (let done = 0; done < waiting.length; done++) await waiting[done]
console.log(`sockets: ${sockets}`)
client.close()
