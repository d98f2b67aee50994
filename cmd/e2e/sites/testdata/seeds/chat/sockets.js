// "Real-time updates in Django with WebSockets, Channels, and pub-sub": chat/static/chat/sockets.js.
//
// As in the document, which leaves three things to its reader: what its three TODOs say is done here, by
// functions of page.js; messages of the room's chat are a branch of their own, before the warning of an
// unexpected type; and the user's socket, which it does not list, is in the pattern of the room's.

/*public*/ function setupChatRoomSocket(roomId) {
    new WebSocketClient(
        '/ws/room/' + roomId, {
            onmessage: function(e) {
                didReceiveChatRoomSocketMessage(JSON.parse(e.data));
            },
        }
    );
}

function didReceiveChatRoomSocketMessage(data) {
    var type = data['type'];
    var kwargs = data['kwargs'];
    if (type === 'did_alter_join_request') {
        console.log(
            'Chat room socket: Did alter join request: ' + 
            kwargs['action'] + ' ' + kwargs['id']);

        if (kwargs['action'] === 'create') {
            createWaitingMember(kwargs['id'], kwargs['requesting_user']);
        } else if (kwargs['action'] === 'admit') {
            promoteWaitingMember(kwargs['id']);
        } else if (kwargs['action'] === 'deny') {
            removeWaitingMember(kwargs['id']);
        }
    } else if (type === 'chat_message_created') {
        createMessage(kwargs['id'], kwargs['message']);
    } else {
        console.warn(
            'Chat room socket: Did receive unexpected message type: ' + type);
    }
}

/*public*/ function setupUserSocket(userId) {
    new WebSocketClient(
        '/ws/user/' + userId, {
            onmessage: function(e) {
                didReceiveUserSocketMessage(JSON.parse(e.data));
            },
        }
    );
}

function didReceiveUserSocketMessage(data) {
    var type = data['type'];
    var kwargs = data['kwargs'];
    if (type === 'did_alter_join_request') {
        console.log(
            'User socket: Did alter join request: ' + 
            kwargs['action'] + ' ' + kwargs['id']);

        showJoinRequest(kwargs['id'], kwargs['action']);
    } else {
        console.warn(
            'User socket: Did receive unexpected message type: ' + type);
    }
}
