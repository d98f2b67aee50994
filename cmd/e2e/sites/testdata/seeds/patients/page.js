// "Send messages via WebSocket to clients" has the server's side only; the package dcrf-client is the browser's.
// The calls are those of its README, on patients in place of people, with two differences: what require gives
// has the client in .default, and pkField is set since a patient's key is named id.
const dcrf = require('dcrf-client').default;
const client = dcrf.connect('ws://' + window.location.host + '/ws/', {
  pkField: 'id',
  websocket: { minReconnectionDelay: 100, maxReconnectionDelay: 2000 },
});

function tell(what, person) {
  const line = document.createElement('li');
  line.textContent = what + ' ' + (person ? person.first_name + ' ' + person.last_name : '');
  document.getElementById('told').append(line);
}

async function showAll() {
  const patients = await client.list('patients');
  document.getElementById('patients').replaceChildren();
  patients.forEach(show);
}

function show(patient) {
  const known = document.getElementById('patient-' + patient.id);
  const item = known ?? document.createElement('li');
  item.id = 'patient-' + patient.id;
  item.textContent = patient.first_name + ' ' + patient.last_name;
  if (!known) document.getElementById('patients').append(item);
}

// The observer of the document sends each change of the model unasked, with its type and action.
client.dispatcher.listen({ stream: 'patients', payload: { type: 'patient.change' } }, ({ payload }) => {
  if (payload.action === 'delete') document.getElementById('patient-' + payload.id)?.remove();
  else show(payload);
});

const refused = (reply) => tell(reply.response_status + ' ' + reply.errors[0]);
showAll().catch(refused);
client.transport.on('reconnect', () => showAll().catch(refused));

// What the README does with one person, one thing after the other. A patient has a date of admission besides.
const admission_date = '2026-03-02T08:30';

async function readme() {
  const { id } = await client.create('patients', { first_name: 'Alex', last_name: 'Kim', admission_date }).then((person) => {
    tell('Created:', person);
    return person;
  });

  await client.retrieve('patients', id).then((person) => {
    tell('Retrieved:', person);
  });

  await client.update('patients', id, { first_name: 'Johannes', last_name: 'Street', admission_date }).then((person) => {
    tell('Overwrote:', person);
  });

  await client.patch('patients', id, { first_name: 'Jefe' }).then((person) => {
    tell('Changed:', person);
  });

  // Subscribe to updates to the person
  const personalSubscription = client.subscribe('patients', id, (person, action) => {
    if (action === 'update') {
      tell('Updated:', person);
    }
    else if (action === 'delete') {
      tell('Deleted!');
    }
  });
  await personalSubscription;
  document.getElementById('stop').onclick = () => {
    // Stop listening for updates
    personalSubscription.cancel();
    tell('Cancelled');
  };
  tell('Subscribed');
}
document.getElementById('readme').onclick = () => readme().catch(refused);
