package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"rowcall/cmd/internal/node"
	"rowcall/config/rules"
	"rowcall/notifier"
)

// captureSetup makes tables of messages without foreign keys, whose checks would hide what a trigger
// costs, and the trigger functions that are compared. An outbox is the least that keeps events: one
// table with a number for a key.
const captureSetup = `
	CREATE TABLE plain_messages (LIKE chat_messages INCLUDING DEFAULTS INCLUDING IDENTITY INCLUDING INDEXES);
	CREATE TABLE row_messages (LIKE plain_messages INCLUDING ALL);
	CREATE TABLE statement_messages (LIKE plain_messages INCLUDING ALL);
	CREATE TABLE outbox (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, topic text, type text, data json, at timestamptz DEFAULT now());
	CREATE FUNCTION to_outbox() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
		INSERT INTO outbox (topic, type, data) VALUES ('room/' || NEW.room_id, 'chat_message_created', json_build_object(
			'id', NEW.id::text, 'message', NEW.message, 'room_id', NEW.room_id, 'sender_id', NEW.sender_id, 'posted', NEW.posted));
		RETURN NULL; END $$;
	CREATE FUNCTION to_outbox_and_notify() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
		INSERT INTO outbox (topic, type, data) VALUES ('room/' || NEW.room_id, 'chat_message_created', json_build_object(
			'id', NEW.id::text, 'message', NEW.message, 'room_id', NEW.room_id, 'sender_id', NEW.sender_id, 'posted', NEW.posted));
		PERFORM pg_notify('outbox', 'room/' || NEW.room_id);
		RETURN NULL; END $$;
	CREATE FUNCTION to_outbox_once() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
		INSERT INTO outbox (topic, type, data) SELECT 'room/' || n.room_id, 'chat_message_created', json_build_object(
			'id', n.id::text, 'message', n.message, 'room_id', n.room_id, 'sender_id', n.sender_id, 'posted', n.posted) FROM new_rows n;
		PERFORM pg_notify('outbox', '');
		RETURN NULL; END $$;
	CREATE FUNCTION to_publish() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$ BEGIN
		PERFORM rowcall.publish('room/' || NEW.room_id, 'chat_message_created', json_build_object(
			'id', NEW.id::text, 'message', NEW.message, 'room_id', NEW.room_id, 'sender_id', NEW.sender_id, 'posted', rowcall.iso(NEW.posted)));
		RETURN NULL; END $$`

const captureCleanup = `DROP TABLE IF EXISTS plain_messages, row_messages, statement_messages, outbox;
	DROP FUNCTION IF EXISTS to_outbox, to_outbox_and_notify, to_outbox_once, to_publish`

// captureForm is a trigger that is compared with others. Tables of declared forms keep theirs.
type captureForm struct{ name, table, fires string }

const (
	eachRow       = `AFTER INSERT ON plain_messages FOR EACH ROW EXECUTE FUNCTION `
	eachStatement = `AFTER INSERT ON plain_messages REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION `
)

func captureForms() []captureForm {
	return []captureForm{
		{"no trigger", "plain_messages", ""},
		{"plain outbox", "plain_messages", eachRow + "to_outbox()"},
		{"outbox and NOTIFY", "plain_messages", eachRow + "to_outbox_and_notify()"},
		{"outbox and NOTIFY, once a statement", "plain_messages", eachStatement + "to_outbox_once()"},
		{"Rowcall, the chat's function", "plain_messages", eachRow + "rowcall.on_chat_messages()"},
		{"Rowcall, publish by hand", "plain_messages", eachRow + "to_publish()"},
		{"Rowcall, declared", "row_messages", ""},
		{"Rowcall, declared, mode statement", "statement_messages", ""},
	}
}

// captureCosts are what one round found.
type captureCosts struct {
	rate float64       // transactions a second, or statements
	cpu  time.Duration // of the writers' server processes, for a transaction; 0 where it cannot be read
}

// capture measures what triggers cost writers, beside the plainest ways to do it, with 1, 8 and more
// writers, and for statements of many rows. A node runs meanwhile and moves the gate.
func capture(ctx context.Context, b *bench) (err error) {
	if err := execute(ctx, b.url, captureCleanup+";"+captureSetup); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, execute(context.WithoutCancel(ctx), b.url, captureCleanup)) }()
	if err := b.declare(ctx); err != nil {
		return err
	}
	node, err := follow(ctx, b.url, 1, notifier.RingAuto)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, node.stop()) }()
	b.say("\ncapture: inserts into a table without foreign keys; median of %d rounds of %v", b.captureRounds(), b.round)
	for _, writers := range []int{1, 8, b.writers} {
		measure := func(form captureForm) (captureCosts, error) { return b.captureTransactions(ctx, writers, form) }
		if err := b.compareForms(fmt.Sprintf("%d writers, a row a transaction", writers), measure); err != nil {
			return err
		}
	}
	for _, rows := range []int{100, 10_000, 100_000} {
		rows = min(rows, b.bulk)
		measure := func(form captureForm) (captureCosts, error) { return b.captureStatement(ctx, rows, form) }
		if err := b.compareForms(fmt.Sprintf("statements of %d rows", rows), measure); err != nil {
			return err
		}
	}
	return nil
}

// declare makes the tables of declared forms live.
func (b *bench) declare(ctx context.Context) error {
	c, err := example(b.url)
	if err != nil {
		return err
	}
	for table, mode := range map[string]string{"row_messages": rules.ModeRow, "statement_messages": rules.ModeStatement} {
		c.Tables = append(c.Tables, rules.Table{Table: "public." + table, Mode: mode, Topics: []rules.TableTopic{{Topic: table + "/{room_id}", Allow: rules.AllowStaff}}})
	}
	return node.ApplyTables(ctx, c, false, node.ApplyProgress{}, silent())
}

func (b *bench) captureRounds() int { return (b.rounds + 2) / 3 }

// compareForms has the forms take turns, and prints what each keeps of the rate without a trigger.
func (b *bench) compareForms(what string, measure func(captureForm) (captureCosts, error)) error {
	forms := captureForms()
	rates, cpu := make([][]float64, len(forms)), make([][]float64, len(forms))
	for n := range b.captureRounds() {
		for i := range forms {
			i = (i + n) % len(forms)
			costs, err := measure(forms[i])
			if err != nil {
				return fmt.Errorf("%s: %w", forms[i].name, err)
			}
			rates[i], cpu[i] = append(rates[i], costs.rate), append(cpu[i], float64(costs.cpu.Microseconds()))
		}
	}
	t := b.table(what, "a second", "rate kept", "of the outbox's", "server CPU us")
	for i, form := range forms {
		rate := median(rates[i])
		t.row(form.name, whole(rate), ratio(rate/median(rates[0])), ratio(rate/median(rates[1])), whole(median(cpu[i])))
	}
	t.end()
	return nil
}

// setForm makes a form the table's only trigger, and empties the tables.
func (b *bench) setForm(ctx context.Context, form captureForm) error {
	statements := `DROP TRIGGER IF EXISTS "0_form" ON plain_messages; TRUNCATE plain_messages, row_messages, statement_messages, outbox`
	if form.fires != "" {
		statements += `; CREATE TRIGGER "0_form" ` + form.fires
	}
	return execute(ctx, b.url, statements)
}

// captureTransactions has writers insert a row a transaction for one round.
func (b *bench) captureTransactions(ctx context.Context, writers int, form captureForm) (captureCosts, error) {
	if err := b.setForm(ctx, form); err != nil {
		return captureCosts{}, err
	}
	c, err := hire(ctx, b.url, writers)
	if err != nil {
		return captureCosts{}, err
	}
	defer c.dismiss()
	group, working := errgroup.WithContext(ctx)
	var over atomic.Bool
	for w, conn := range c.conns {
		group.Go(func() error {
			sql := `INSERT INTO ` + form.table + ` (room_id, sender_id, message) VALUES ($1, 1, $2)`
			for !over.Load() {
				if _, err := conn.Exec(working, sql, w+1, line(w, c.count[w].Load())); err != nil {
					return fmt.Errorf("inserting: %w", err)
				}
				c.count[w].Add(1)
			}
			return nil
		})
	}
	pause(working, b.warmUp())
	since, before, used := time.Now(), c.total(), c.serverCPU()
	pause(working, b.round)
	done, took, cpu := c.total()-before, time.Since(since), c.serverCPU()-used
	over.Store(true)
	if err := group.Wait(); err != nil {
		return captureCosts{}, err
	}
	return captureCosts{float64(done) / took.Seconds(), cpu / time.Duration(max(done, 1))}, nil
}

// captureStatement inserts rows in one statement.
func (b *bench) captureStatement(ctx context.Context, rows int, form captureForm) (captureCosts, error) {
	if err := b.setForm(ctx, form); err != nil {
		return captureCosts{}, err
	}
	c, err := hire(ctx, b.url, 1)
	if err != nil {
		return captureCosts{}, err
	}
	defer c.dismiss()
	sql := `INSERT INTO ` + form.table + ` (room_id, sender_id, message) SELECT 1 + n % 100, 1, $2 FROM generate_series(1, $1) n`
	insertRows := func(rows int) error {
		_, err := c.conns[0].Exec(ctx, sql, rows, line(1, 1))
		return err
	}
	if err := insertRows(10); err != nil { // which makes the plans
		return captureCosts{}, fmt.Errorf("inserting: %w", err)
	}
	since, used := time.Now(), c.serverCPU()
	if err := insertRows(rows); err != nil {
		return captureCosts{}, fmt.Errorf("inserting %d rows: %w", rows, err)
	}
	return captureCosts{1 / time.Since(since).Seconds(), c.serverCPU() - used}, nil
}

// serverCPU returns the processor time that the server's processes of the crew have used, in steps of
// the kernel's clock, 10 ms; 0 where the machine does not say.
func (c *crew) serverCPU() time.Duration {
	var ticks int64
	for _, conn := range c.conns {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", conn.PgConn().PID()))
		_, fields, found := strings.Cut(string(stat), ") ")
		if err != nil || !found {
			return 0
		}
		for _, field := range strings.Fields(fields)[11:13] {
			n, _ := strconv.ParseInt(field, 10, 64)
			ticks += n
		}
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}
