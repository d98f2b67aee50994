import { follow } from './follow.js';

const KEEP = 200; // events on the page
const DEMO = ['alice', 'bob', 'carol', 'dave', 'admin']; // the password is the name

const at = (selector) => document.querySelector(selector);

let user = null;
let stop = () => {};

// Identity.

async function send(method, path, body) {
  const headers = { 'Content-Type': 'application/json' };
  const answer = await fetch(path, { method, headers, body: body && JSON.stringify(body) });
  const text = await answer.text();
  const data = text ? JSON.parse(text) : {};
  if (!answer.ok) throw new Error(data.detail || answer.statusText);
  return data;
}

async function attempt(work) {
  at('#refusal').hidden = true;
  try {
    await work();
  } catch (error) {
    at('#refusal').textContent = error.message;
    at('#refusal').hidden = false;
  }
}

const logIn = (username, password) => attempt(async () => {
  become((await send('POST', '/api/login', { username, password })).user);
});

const logOut = () => attempt(async () => {
  await send('POST', '/api/logout');
  become(null);
});

// become starts anew: what one user was shown is not for the next to read.
function become(somebody) {
  user = somebody;
  at('#log').replaceChildren();
  at('#identity').textContent = user
    ? `You are ${user.username}, user ${user.id}${user.is_staff ? ', staff' : ''}.`
    : 'Nobody: only public topics, such as dams, can be followed.';
  at('#login').hidden = at('#accounts').hidden = Boolean(user);
  at('#logout').hidden = !user;
  at('#login').reset();
  suggest();
  start();
}

// Topics.

function suggest() {
  const topics = ['room/1', 'room/2', 'patients', 'dams'];
  if (user) topics.push(`user/${user.id}`, `jobs/${user.id}`);
  at('#suggestions').replaceChildren(...topics.map((topic) => button(topic, () => { location.hash = topic; })));
  at('#topics').replaceChildren(...topics.map((topic) => {
    const option = document.createElement('option');
    option.value = topic;
    return option;
  }));
}

function button(label, act) {
  const made = document.createElement('button');
  made.type = 'button';
  made.textContent = label;
  made.onclick = act;
  return made;
}

// chosen is kept in the address, so that reloading follows the same topic.
const chosen = () => location.hash.slice(1) || 'dams';

function start() {
  stop();
  const topic = chosen();
  at('#choice').elements.topic.value = topic;
  at('#statement code').textContent = statement(topic);
  stop = follow(topic, { onEvent: show, onState: tell, onNote: note });
}

// statement is a change that the topic tells of, as psql takes it.
function statement(topic) {
  const [root, id] = topic.split('/');
  const number = Number.parseInt(id, 10) || 1;
  const me = user ? user.id : 1;
  switch (root) {
    case 'room':
      return `INSERT INTO chat_messages (room_id, sender_id, message) VALUES (${number}, ${me}, 'Hello world!');`;
    case 'user':
      return `INSERT INTO chat_join_requests (room_id, user_id) VALUES (1, ${number});`;
    case 'patients':
      return id
        ? `UPDATE patients SET dismissal_date = now() WHERE id = ${number};`
        : "INSERT INTO patients (first_name, last_name) VALUES ('Ana', 'Ek');";
    case 'dams':
      return id
        ? `UPDATE dams SET owner = 'The county' WHERE id = ${number};`
        : "INSERT INTO dams (name, river, latitude, longitude) VALUES ('New dam', 'Elbe', 50.8, 14.2);";
    case 'jobs':
      return `INSERT INTO job_postings (user_id, title, state) VALUES (${number}, 'Nightly report', 'running');`;
  }
  return '-- any change that a trigger publishes to this topic';
}

// Events. Whatever comes from the database is put in as text, never as markup.

function show(event) {
  const head = document.createElement('div');
  head.className = 'about';
  head.append(span('type', event.type), ` on ${event.topic}, event ${event.id}, ${new Date(event.time).toLocaleTimeString()}`);
  const data = document.createElement('div');
  data.className = 'data';
  data.textContent = JSON.stringify(event.data);
  add(head, data);
}

const note = (text) => add(span('notice', text));

function add(...parts) {
  const item = document.createElement('li');
  item.append(...parts);
  const log = at('#log');
  log.prepend(item);
  while (log.children.length > KEEP) log.lastChild.remove();
}

function span(name, text) {
  const made = document.createElement('span');
  made.className = name;
  made.textContent = text;
  return made;
}

function tell(state, text) {
  at('#state').className = `state ${state}`;
  at('#state').textContent = text;
}

// The page.

at('#login').onsubmit = (event) => {
  event.preventDefault();
  const { username, password } = event.target.elements;
  logIn(username.value, password.value);
};
at('#choice').onsubmit = (event) => {
  event.preventDefault();
  const topic = event.target.elements.topic.value.trim();
  if (topic === chosen()) start();
  else location.hash = topic;
};
at('#logout').onclick = logOut;
at('#clear').onclick = () => at('#log').replaceChildren();
at('#accounts span').append(...DEMO.map((name) => button(name, () => logIn(name, name))));
addEventListener('hashchange', start);

send('GET', '/api/me').then((answer) => become(answer.user), () => become(null));
