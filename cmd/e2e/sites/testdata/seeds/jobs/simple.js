// "Websockets on Django and React": the simple client, as in the document.
const updatesSocket = new WebSocket(`ws://${window.location.host}/ws/job-status/`);

updatesSocket.onmessage = function(e) {
    const data = JSON.parse(e.data);
    console.log(data);
};

updatesSocket.onclose = function(e) {
    console.error('Chat socket closed unexpectedly');
};
