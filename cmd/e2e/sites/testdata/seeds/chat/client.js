// The WebSocketClient that the document asks its reader to substitute: it comes back by itself, later each
// time, and not at the same moment as all the others.
import ReconnectingWebSocket from 'reconnecting-websocket';

window.WebSocketClient = class {
    constructor(path, { onmessage }) {
        const socket = new ReconnectingWebSocket('ws://' + window.location.host + path, [], {
            minReconnectionDelay: 100 + Math.random() * 100,
            maxReconnectionDelay: 2000,
        });
        socket.onmessage = onmessage;
        socket.onopen = () => { document.body.dataset.socket = 'open'; };
        socket.onclose = (e) => { document.body.dataset.socket = 'closed ' + e.code; };
    }
};
