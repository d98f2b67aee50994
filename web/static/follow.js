// One topic over the native protocol, rowcall.v1. The connection comes back by itself and goes on
// from the last cursor, so that nothing is missed in between.

const PROTOCOL = 'rowcall.v1';
const SLOWEST = 20000; // milliseconds between attempts
const GRACE = 10000; // milliseconds a heartbeat may be late

// Close codes after which the same attempt cannot succeed.
const FINAL = {
  4400: 'the server does not understand this page',
  4401: 'log in first',
  4403: 'you may not follow this topic',
  4404: 'there is no such topic',
  4406: 'the server speaks another protocol',
};

// follow calls onEvent with each event frame, onState with 'connecting', 'live', 'waiting' or
// 'ended' and a sentence, and onNote with what the reader should know. It returns a function that
// ends it.
export function follow(topic, { onEvent, onState, onNote }) {
  let socket = null;
  let cursor = '';
  let failures = 0;
  let heartbeat = 25000;
  let retry = 0; // timer
  let silence = 0; // timer
  let down = false; // between connections
  let over = false;

  function connect() {
    clearTimeout(retry);
    down = false;
    onState('connecting', 'connecting');
    const address = new URL('/v1/ws', location.href);
    address.protocol = address.protocol.replace('http', 'ws');
    socket = new WebSocket(address, PROTOCOL);
    socket.onmessage = (message) => { listen(); receive(JSON.parse(message.data)); };
    socket.onclose = (event) => { closed(event.code); };
    listen();
  }

  // listen gives the server until after its next heartbeat to say something.
  function listen() {
    clearTimeout(silence);
    silence = setTimeout(lose, heartbeat + GRACE);
  }

  // lose gives up a connection without waiting for the network to confirm it.
  function lose() {
    socket.onmessage = socket.onclose = null;
    socket.close();
    closed(1006);
  }

  function receive(frame) {
    if (frame.cursor) cursor = frame.cursor;
    const handle = handlers[frame.op];
    if (handle) handle(frame); // others are of a newer server
  }

  const handlers = {
    welcome(frame) {
      failures = 0;
      heartbeat = frame.heartbeat;
      subscribe();
    },
    subscribed(frame) {
      onState('live', `following ${frame.topic}`);
      if (frame.recovered === false) onNote(`Some events were missed (${frame.reason}).`);
    },
    event: onEvent,
    reset(frame) { onNote(`Some events were missed (${frame.reason}).`); },
    error(frame) {
      if (!frame.topic) onNote(frame.message);
      else if (frame.retryable) again(frame.message, (frame.retry_after || 1) * 1000, subscribe);
      else end(frame.message);
    },
  };

  function subscribe() {
    const request = { op: 'subscribe', topic };
    if (cursor) request.since = cursor;
    socket.send(JSON.stringify(request));
  }

  function closed(code) {
    clearTimeout(silence);
    down = true;
    if (FINAL[code]) end(FINAL[code]);
    else again('connection lost', Math.random() * Math.min(SLOWEST, 500 * 2 ** failures++), connect);
  }

  function again(why, wait, attempt) {
    clearTimeout(retry);
    onState('waiting', `${why}; trying again`);
    retry = setTimeout(attempt, wait);
  }

  function end(why) {
    stop();
    onState('ended', why);
  }

  // hurry does not wait for the timer when the network or the reader comes back.
  function hurry() {
    if (down && !over && document.visibilityState === 'visible') connect();
  }

  function stop() {
    over = true;
    clearTimeout(retry);
    clearTimeout(silence);
    removeEventListener('online', hurry);
    document.removeEventListener('visibilitychange', hurry);
    socket.onmessage = socket.onclose = null;
    socket.close();
  }

  addEventListener('online', hurry);
  document.addEventListener('visibilitychange', hurry);
  connect();
  return stop;
}
