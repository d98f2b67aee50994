// "Websockets on Django and React": the React component.
//
// As in the document, which leaves three things to its reader: a bracket was missing where setData ends; the
// list begins with the jobs there are, which come as a property; and the empty <div> shows them.
import React, { useState } from 'react';
import useWebSocket from 'react-use-websocket';

export default function List({ jobs }) {
  const [data, setData] = useState(jobs);

  useWebSocket(`wss://${window.location.host}/ws/job-status/`, {
    onMessage: (e) => {
      const message = JSON.parse(e.data);
      setData((data) => (data.map((item) => {
          if (item.id === message.id) {
            item.state = message.state;
          }
          return item;
        })));
    },
    shouldReconnect: (closeEvent) => true,
  });

  return (<div>{data.map((item) => <p key={item.id}>{item.title}: {item.state}</p>)}</div>);
}
