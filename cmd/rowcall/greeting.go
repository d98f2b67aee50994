package main

// greeting is the text that demo prints when it serves.
type greeting struct {
	pages   string
	metrics string // where the numbers are
	psql    string // a command that opens the database; empty where the machine has no psql
	dir     string // where the private PostgreSQL keeps its data; empty without one
}

// sampleInsert is the change to try. It contains no character that a shell would interpret.
const sampleInsert = "INSERT INTO chat_messages (room_id, sender_id, message) VALUES (1, 1, 'Hello from psql')"

// sampleAccounts are the users of the sample rows. Their passwords are their names.
func sampleAccounts() []string { return []string{"alice", "bob", "carol", "dave", "admin"} }

func (p *program) greet(g greeting) {
	p.say("")
	p.say("Rowcall is running. Ctrl-C stops it.")
	p.say("")
	p.say("  pages     %s", g.pages)
	p.say("  accounts  alice, bob, carol, dave (the password is the name), and admin / admin")
	if g.psql == "" {
		p.say("  try       (this machine has no psql: install PostgreSQL's client programs for a line to try)")
	} else {
		p.say("  try       %s -c \"%s\"", g.psql, sampleInsert)
	}
	p.say("  metrics   %s", g.metrics)
	if g.dir != "" {
		p.say("  data      %s (--fresh throws it away)", g.dir)
	}
	p.say("")
}
