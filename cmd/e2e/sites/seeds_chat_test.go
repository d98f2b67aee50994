package sites

import (
	"testing"

	"rowcall/cmd/e2e/rowcalltest"
)

// chatPages are the seed's pages, each in a tab of its own.
type chatPages struct {
	*rowcalltest.Server
	t                               *testing.T
	owner, member, requester, other *rowcalltest.Tab // who may be there
	stranger, nobody, nobodysHome   *rowcalltest.Tab // and who not
}

// chatStory uses the seed's pages of a room and of a user. A join request appears for the owner of
// the room and for the requesting user, a message for all members. Anonymous pages show nothing
// until the user logs in. After a restart the library of the pages connects again.
func chatStory(t *testing.T, pages frontends, b rowcalltest.Browser) {
	s := openForPages(t, nil)
	front := pages.elsewhere(t, s.Pages)
	open := func(page, who string) *rowcalltest.Tab {
		tb := b.OpenTab(t)
		tb.AllowCuts()
		tb.Open(front + "blank")
		if who != "" {
			tb.Login(s.Pages, who)
		}
		tb.Open(front + "chat/" + page)
		tb.ExpectSockets(1)
		return tb
	}
	c := &chatPages{
		Server: s, t: t,
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

// socket waits until the socket of a page is in a state.
func (c *chatPages) socket(tb *rowcalltest.Tab, state string) {
	c.t.Helper()
	rowcalltest.Eventually(c.t, func() bool { return rowcalltest.Evaluate[string](tb, `document.body.dataset.socket ?? ''`) == state }, "a page's socket is never "+state)
}

func (c *chatPages) refused() {
	c.socket(c.nobody, "closed 4401")
	c.socket(c.nobodysHome, "closed 4401")
	c.socket(c.stranger, "closed 4403")
}

func (c *chatPages) asked() {
	c.Psql(c.t, `INSERT INTO chat_messages (id, room_id, sender_id, message) VALUES (42, 1, 1, 'Hello world!')`)
	c.owner.ExpectTextOf("#messages-42", "Hello world!")
	c.member.ExpectTextOf("#messages-42", "Hello world!")
	c.Psql(c.t, `INSERT INTO chat_join_requests (id, user_id, room_id) VALUES (31, 4, 1)`)
	c.owner.ExpectTextOf("#members-31", "Dave RossiAdmitDeny")
	c.requester.ExpectTextOf("#requests-31", "waiting")
	c.Psql(c.t, `UPDATE chat_join_requests SET status = 'denied' WHERE id = 31; INSERT INTO chat_join_requests (id, user_id, room_id) VALUES (32, 4, 1)`)
	c.owner.ExpectTextOf("#members", "Dave RossiAdmitDeny")
	c.requester.ExpectTextOf("#requests", "denied waiting")
}

func (c *chatPages) restarted() {
	sockets := map[*rowcalltest.Tab]int{}
	for _, tb := range []*rowcalltest.Tab{c.owner, c.member, c.requester, c.other} {
		sockets[tb] = tb.CountSockets()
	}
	c.Server = restart(c.t, c.Server)
	for tb, before := range sockets {
		tb.ExpectSockets(before + 1)
	}
	c.Psql(c.t, `UPDATE chat_join_requests SET status = 'admitted' WHERE id = 32; DELETE FROM chat_join_requests WHERE id = 32;
		INSERT INTO chat_messages (id, room_id, sender_id, message) VALUES (43, 1, 4, 'Thank you'), (44, 2, 2, 'elsewhere');
		UPDATE chat_join_requests SET status = 'denied' WHERE user_id = 3`)
	c.owner.ExpectTextOf("#members", "Dave Rossi")
	c.requester.ExpectTextOf("#requests", "denied admitted")
	c.owner.ExpectTextOf("#messages", "Hello world! Thank you")
	c.member.ExpectTextOf("#messages", "Hello world! Thank you")
	c.owner.ExpectConsole("log: Chat room socket: Did alter join request: admit 32")
	c.other.ExpectTextOf("#requests", "denied")
}

// heard checks all frames that each page has received.
func (c *chatPages) heard() {
	first := `{"type":"did_alter_join_request","kwargs":{"id":"31","action":"create","requesting_user":{"id":4,"first_name":"Dave","last_name":"Rossi"}}}`
	second := `{"type":"did_alter_join_request","kwargs":{"id":"32","action":"create","requesting_user":{"id":4,"first_name":"Dave","last_name":"Rossi"}}}`
	c.owner.ExpectFrames(rowcalltest.ChatMessageFrame(42, "Hello world!"), first, rowcalltest.JoinRequestFrame(31, "deny"), second, rowcalltest.JoinRequestFrame(32, "admit"), rowcalltest.ChatMessageFrame(43, "Thank you"), rowcalltest.JoinRequestFrame(1, "deny"))
	c.member.ExpectFrames(rowcalltest.ChatMessageFrame(42, "Hello world!"), rowcalltest.ChatMessageFrame(43, "Thank you"))
	c.requester.ExpectFrames(first, rowcalltest.JoinRequestFrame(31, "deny"), second, rowcalltest.JoinRequestFrame(32, "admit"))
	c.other.ExpectFrames(rowcalltest.JoinRequestFrame(1, "deny"))
}

// comesIn logs a user in whose page was refused, and admits another: the library of the pages tries
// again.
func (c *chatPages) comesIn() {
	c.nobody.Login(c.Pages, "alice")
	c.socket(c.nobody, "open")
	c.socket(c.stranger, "open")
	c.Psql(c.t, `INSERT INTO chat_messages (id, room_id, sender_id, message) VALUES (45, 1, 1, 'Welcome')`)
	c.nobody.ExpectFrames(rowcalltest.ChatMessageFrame(45, "Welcome"))
	c.stranger.ExpectTextOf("#messages-45", "Welcome")
	c.nobodysHome.ExpectFrames()
}
