package main

import "testing"

// chatPages are the document's pages, each in a window of somebody's own.
type chatPages struct {
	*site
	t                               *testing.T
	owner, member, requester, other *tab // who may be there
	stranger, nobody, nobodysHome   *tab // and who not
}

// chatStory has the document's pages of a room and of a user: a request to join is shown to the room's owner
// and to who asks, a message to everybody in the room; anonymous pages see nothing until they log in; after
// a restart the pages come back by their own library.
func chatStory(t *testing.T, pages frontends, b browser) {
	s := openForPages(t, nil)
	front := pages.elsewhere(t, s.pages)
	open := func(page, who string) *tab {
		tb := b.openTab(t)
		tb.forgiveCuts()
		tb.open(front + "blank")
		if who != "" {
			tb.login(s.pages, who)
		}
		tb.open(front + "chat/" + page)
		tb.connects(1)
		return tb
	}
	c := &chatPages{
		site: s, t: t,
		owner: open("room.html?room=1", "alice"), member: open("room.html?room=1", "bob"),
		requester: open("home.html?user=4", "dave"), other: open("home.html?user=3", "carol"),
		stranger: open("room.html?room=1", "dave"), nobody: open("room.html?room=1", ""), nobodysHome: open("home.html?user=1", ""),
	}
	c.refused()
	c.asked()
	c.restarted()
	c.heard()
	c.comesIn()
}

// socket waits until a page's socket is in a state.
func (c *chatPages) socket(tb *tab, state string) {
	c.t.Helper()
	eventually(c.t, func() bool { return evaluate[string](tb, `document.body.dataset.socket ?? ''`) == state }, "a page's socket is never "+state)
}

func (c *chatPages) refused() {
	c.socket(c.nobody, "closed 4401")
	c.socket(c.nobodysHome, "closed 4401")
	c.socket(c.stranger, "closed 4403")
}

func (c *chatPages) asked() {
	c.Psql(c.t, `INSERT INTO chat_messages (id, room_id, sender_id, message) VALUES (42, 1, 1, 'Hello world!')`)
	c.owner.shows("#messages-42", "Hello world!")
	c.member.shows("#messages-42", "Hello world!")
	c.Psql(c.t, `INSERT INTO chat_join_requests (id, user_id, room_id) VALUES (31, 4, 1)`)
	c.owner.shows("#members-31", "Dave RossiAdmitDeny")
	c.requester.shows("#requests-31", "waiting")
	c.Psql(c.t, `UPDATE chat_join_requests SET status = 'denied' WHERE id = 31; INSERT INTO chat_join_requests (id, user_id, room_id) VALUES (32, 4, 1)`)
	c.owner.shows("#members", "Dave RossiAdmitDeny")
	c.requester.shows("#requests", "denied waiting")
}

func (c *chatPages) restarted() {
	sockets := map[*tab]int{}
	for _, tb := range []*tab{c.owner, c.member, c.requester, c.other} {
		sockets[tb] = tb.answered()
	}
	c.site = c.restart(c.t)
	for tb, before := range sockets {
		tb.connects(before + 1)
	}
	c.Psql(c.t, `UPDATE chat_join_requests SET status = 'admitted' WHERE id = 32; DELETE FROM chat_join_requests WHERE id = 32;
		INSERT INTO chat_messages (id, room_id, sender_id, message) VALUES (43, 1, 4, 'Thank you'), (44, 2, 2, 'elsewhere');
		UPDATE chat_join_requests SET status = 'denied' WHERE user_id = 3`)
	c.owner.shows("#members", "Dave Rossi")
	c.requester.shows("#requests", "denied admitted")
	c.owner.shows("#messages", "Hello world! Thank you")
	c.member.shows("#messages", "Hello world! Thank you")
	c.owner.logged("log: Chat room socket: Did alter join request: admit 32")
	c.other.shows("#requests", "denied")
}

// heard looks at all that was sent to whom.
func (c *chatPages) heard() {
	first := `{"type":"did_alter_join_request","kwargs":{"id":"31","action":"create","requesting_user":{"id":4,"first_name":"Dave","last_name":"Rossi"}}}`
	second := `{"type":"did_alter_join_request","kwargs":{"id":"32","action":"create","requesting_user":{"id":4,"first_name":"Dave","last_name":"Rossi"}}}`
	c.owner.heard(said(42, "Hello world!"), first, asked(31, "deny"), second, asked(32, "admit"), said(43, "Thank you"), asked(1, "deny"))
	c.member.heard(said(42, "Hello world!"), said(43, "Thank you"))
	c.requester.heard(first, asked(31, "deny"), second, asked(32, "admit"))
	c.other.heard(asked(1, "deny"))
}

// comesIn has somebody log in whose page was refused, and somebody who was admitted meanwhile: their library
// tries again.
func (c *chatPages) comesIn() {
	c.nobody.login(c.pages, "alice")
	c.socket(c.nobody, "open")
	c.socket(c.stranger, "open")
	c.Psql(c.t, `INSERT INTO chat_messages (id, room_id, sender_id, message) VALUES (45, 1, 1, 'Welcome')`)
	c.nobody.heard(said(45, "Welcome"))
	c.stranger.shows("#messages-45", "Welcome")
	c.nobodysHome.heard()
}
