// What the page does with what its sockets tell: rows that come, change and go.

function row(list, id, text) {
    const item = document.createElement('li');
    item.id = list + '-' + id;
    item.textContent = text;
    document.getElementById(list).append(item);
    return item;
}

function createMessage(id, message) {
    row('messages', id, message);
}

function createWaitingMember(id, user) {
    const item = row('members', id, user['first_name'] + ' ' + user['last_name']);
    for (const label of ['Admit', 'Deny']) {
        const button = document.createElement('button');
        button.textContent = label;
        item.append(button);
    }
}

function promoteWaitingMember(id) {
    document.getElementById('members-' + id)?.querySelectorAll('button').forEach((button) => button.remove());
}

function removeWaitingMember(id) {
    document.getElementById('members-' + id)?.remove();
}

function showJoinRequest(id, action) {
    const shown = document.getElementById('requests-' + id) ?? row('requests', id, '');
    shown.textContent = { create: 'waiting', admit: 'admitted', deny: 'denied' }[action];
}
