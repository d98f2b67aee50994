// "Real-time updates in Django with WebSockets, Channels, and pub-sub": chat/static/chat/room.js.
//
// As in the document. The room's number, which it leaves out, is taken from the page's address, and so is the
// user's in the like function for the user's home page.

/*public*/ function setupChatRoomPage() {
    const roomId = new URLSearchParams(window.location.search).get('room');

    setupChatRoomSocket(roomId);  // create early to avoid missing events
}

/*public*/ function setupUserHomePage() {
    const userId = new URLSearchParams(window.location.search).get('user');

    setupUserSocket(userId);  // create early to avoid missing events
}
