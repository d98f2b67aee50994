// The npm package dcrf-client, with its own code, against a running node: what its README says must hold.
// Arguments: the server's address (host:port), the Cookie header of one user, and of another.
import assert from 'node:assert/strict';
import dcrfClient from 'dcrf-client';
import WebSocket from 'ws';

const [address, alice, bob] = process.argv.slice(2);
const dcrf = dcrfClient.default ?? dcrfClient;

// A browser sends cookies by itself; here they are put into the handshake. The sockets are kept, to be cut.
function connect(path, cookie, options = {}) {
  const sockets = [];
  class Browser extends WebSocket {
    constructor(url, protocols) {
      super(url, protocols, { headers: cookie ? { Cookie: cookie } : {} });
      sockets.push(this);
    }
  }
  const client = dcrf.connect(`ws://${address}${path}`, {
    pkField: 'id',
    websocket: { WebSocket: Browser, minReconnectionDelay: 20, maxReconnectionDelay: 100 },
    ...options,
  });
  return { client, cut: () => sockets.at(-1).terminate(), sockets };
}

// On the bare socket there is no stream around a payload; the client is told so by its serializer.
const bare = {
  serializer: {
    serialize: (message) => JSON.stringify(message.payload),
    deserialize: (text) => ({ stream: 'patients', payload: JSON.parse(text) }),
  },
};

// inbox collects what a subscription calls back with.
function inbox() {
  const waiting = [];
  let wake = () => {};
  const callback = (row, action) => { waiting.push([row, action]); wake(); };
  const next = async () => {
    while (waiting.length === 0) await new Promise((resolve) => { wake = resolve; });
    return waiting.shift();
  };
  return { callback, next, waiting };
}

async function fails(promise, status, errors) {
  const reply = await promise.then(() => assert.fail('it did not fail'), (r) => r);
  assert.equal(reply.response_status, status, JSON.stringify(reply));
  assert.deepEqual(reply.errors, errors);
}

async function rows(client) {
  const before = await client.list('patients');
  assert.ok(Array.isArray(before) && before.length >= 4);
  const made = await client.create('patients', { first_name: ' Ana ', last_name: 'Ek', admission_date: '2021-06-01T12:00+02:00' });
  assert.equal(made.first_name, 'Ana');
  assert.equal(made.admission_date, '2021-06-01T10:00:00Z');
  assert.deepEqual(Object.keys(made).sort(),
    ['admission_date', 'created_at', 'dismissal_date', 'first_name', 'id', 'last_name', 'updated_at']);
  assert.deepEqual(await client.retrieve('patients', made.id), made);
  assert.deepEqual(await client.retrieve('patients', String(made.id)), made);
  const updated = await client.update('patients', made.id, { first_name: 'A', last_name: 'B', admission_date: '2021-06-01T10:00:00Z', dismissal_date: '2021-06-02 10:00:00.5' });
  assert.equal(updated.dismissal_date, '2021-06-02T10:00:00.500000Z');
  const patched = await client.patch('patients', made.id, { last_name: 7 });
  assert.equal(patched.last_name, '7');
  assert.equal((await client.patch('patients', made.id, {})).last_name, '7');
  assert.equal(await client.delete('patients', made.id), null);
  await fails(client.retrieve('patients', made.id), 404, ['Not found']);
  await fails(client.create('patients', { first_name: 'x'.repeat(241), admission_date: null }), 400,
    [{ first_name: ['Ensure this field has no more than 240 characters.'], last_name: ['This field is required.'], admission_date: ['This field may not be null.'] }]);
  await fails(client.update('patients', 1, { first_name: 'x' }), 400,
    [{ last_name: ['This field is required.'], admission_date: ['This field is required.'] }]);
  await fails(client.request('patients', { action: 'explode' }), 405, ['Method "explode" not allowed.']);
  const many = await Promise.all([...Array(50).keys()].map((n) => client.create('patients', { first_name: 'many', last_name: n, admission_date: '2021-06-01T10:00:00Z' })));
  assert.deepEqual(many.map((row) => row.last_name), [...Array(50).keys()].map(String));
  await Promise.all(many.map((row) => client.delete('patients', row.id)));
  assert.equal((await client.list('patients')).length, before.length);
}

async function subscriptions(client, other) {
  const { id } = await other.create('patients', { first_name: 'Watched', last_name: '0', admission_date: '2021-06-01T10:00:00Z' });
  const one = inbox(), two = inbox();
  const first = client.subscribe('patients', id, one.callback);
  const second = client.subscribe('patients', id, two.callback, 'second');
  await first;
  await second;
  await other.patch('patients', id, { last_name: '1' });
  for (const box of [one, two]) {
    const [row, action] = await box.next();
    assert.deepEqual([row.id, row.last_name, action], [id, '1', 'update']);
  }

  // One is cancelled, here and there; the other goes on.
  assert.equal(first.cancel(), true);
  assert.equal(first.cancel(), false);
  assert.equal(await client.request('patients', { action: 'unsubscribe_instance', pk: id }, 'nobody'), null);
  await other.patch('patients', id, { last_name: '2' });
  assert.equal((await two.next())[0].last_name, '2');
  assert.equal(one.waiting.length, 0);
  return { id, two };
}

async function reconnects(connection, other, { id, two }) {
  const reconnected = new Promise((resolve) => connection.client.transport.once('reconnect', resolve));
  connection.cut();
  await reconnected;
  await connection.client.retrieve('patients', id); // answered after the resubscription
  await other.patch('patients', id, { last_name: '3' });
  assert.deepEqual([(await two.next())[0].last_name, connection.sockets.length], ['3', 2]);
  await other.delete('patients', id);
  assert.deepEqual(await two.next(), [{ id }, 'delete']);
  assert.equal(two.waiting.length, 0);
}

for (const [path, options] of [['/ws/', {}], ['/ws/patients/', bare]]) {
  const mine = connect(path, alice, options), others = connect(path, bob, options), nobody = connect(path, '', options);
  await rows(mine.client);
  await reconnects(mine, others.client, await subscriptions(mine.client, others.client));
  for (const asked of [nobody.client.list('patients'), nobody.client.delete('patients', 1), nobody.client.subscribe('patients', 1, () => {})]) {
    await fails(asked, 403, ['You do not have permission to perform this action.']);
  }
  for (const { client } of [mine, others, nobody]) client.close();
  console.log(`${path} as it should be`);
}
