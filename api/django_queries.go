package api

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"rowcall/api/problem"
	"rowcall/notifier"
)

// The table's name is put in for {sessions}, once, at start; the others as in userqueries.go. A text that
// is too long to read is NULL.
const (
	djangoText = `CASE WHEN octet_length(s.session_data) <= {bytes} THEN s.session_data END`

	djangoBySession = `
SELECT ` + djangoText + ` FROM {sessions} s WHERE s.session_key = $1 AND s.expire_date > now()`

	djangoByUser = `
SELECT {id}::text, {username}::text, {first_name}, {staff}, coalesce({password}::text, '')
FROM {table} u WHERE {id} = $1::text::{id_type} AND {active}`

	djangoCurrent = `
SELECT q.n, {staff}, coalesce({password}::text, ''), ` + djangoText + `
FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS q (session_key, user_id, n)
JOIN {sessions} s ON s.session_key = q.session_key AND s.expire_date > now()
JOIN {table} u ON {id} = q.user_id::{id_type}
WHERE {active}`
)

// djangoTable finds the table, and whether its trigger is there.
const djangoTable = `
SELECT format('%I.%I', n.nspname, c.relname),
       EXISTS (SELECT FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
               WHERE t.tgrelid = c.oid AND p.proname = 'on_django_session' AND p.pronamespace = to_regnamespace('rowcall'))
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.oid = to_regclass($1)`

// prepare finds the table and tries the statements: it runs them, since preparing one asks for no rights.
func (d *django) prepare(ctx context.Context, name string) error {
	var table string
	var watched bool
	err := d.pool.QueryRow(ctx, djangoTable, pgx.Identifier(strings.Split(name, ".")).Sanitize()).Scan(&table, &watched)
	if errors.Is(err, pgx.ErrNoRows) {
		return fmt.Errorf("there is no table %s: auth.django.table names the one of Django's session engines db and cached_db; sessions of the others cannot be read", name)
	}
	if err != nil {
		return problem.OfDatabase("asking the catalog", err)
	}
	spell := strings.NewReplacer("{sessions}", table, "{bytes}", strconv.Itoa(djangoTextBytes))
	d.session = spell.Replace(djangoBySession)
	d.user = d.users.spell.Replace(djangoByUser)
	d.current = d.users.spell.Replace(spell.Replace(djangoCurrent))
	if err := d.try(ctx); err != nil {
		return fmt.Errorf("reading %s: %w", table, err)
	}
	if !watched {
		d.log.Warn("Django's table of sessions has no trigger: sockets outlive a logout by up to a minute; run rowcall migrate with auth.django as here", "table", table)
	}
	return nil
}

func (d *django) try(ctx context.Context) error {
	if err := tryPrepare(ctx, d.pool, d.user); err != nil {
		return err
	}
	if _, _, err := d.read(ctx, ""); err != nil {
		return err
	}
	_, err := d.rows(ctx, nil, nil)
	return err
}

// read returns a session's text, nil for one that is too long, and whether there is such a session.
func (d *django) read(ctx context.Context, key string) (text *string, found bool, err error) {
	err = d.pool.QueryRow(ctx, d.session, key).Scan(&text)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, problem.OfDatabase("looking a session of Django's up", err)
	}
	return text, true, nil
}

// djangoAccount is an account with the hash of its password.
type djangoAccount struct {
	account
	Password string
}

// readUser finds the active account with an id. The error is problem.ErrUnauthorized when there is none.
func (d *django) readUser(ctx context.Context, id string) (*djangoAccount, error) {
	if !d.users.parseable(id) {
		return nil, fmt.Errorf("looking a user up: %w", problem.ErrUnauthorized)
	}
	rows, _ := d.pool.Query(ctx, d.user, id)
	return theUser[djangoAccount](rows)
}

// djangoAtOnce bounds what one statement may bring of sessions, which may be long.
const djangoAtOnce = 256

type djangoRow struct {
	N        int64
	Staff    bool
	Password string
	Text     *string
}

func (d *django) rows(ctx context.Context, keys, users []string) ([]djangoRow, error) {
	rows, _ := d.pool.Query(ctx, d.current, keys, users)
	found, err := pgx.CollectRows(rows, pgx.RowToStructByPos[djangoRow])
	if err != nil {
		return nil, problem.OfDatabase("looking sessions of Django's up again", err)
	}
	return found, nil
}

// look tells what has become of the followers at these places, who came with a session of Django's.
func (d *django) look(ctx context.Context, followers []notifier.Follower, places []int, standings []Standing) error {
	for some := range slices.Chunk(places, djangoAtOnce) {
		keys, ids := make([]string, len(some)), make([]string, len(some))
		for i, place := range some {
			keys[i], _ = d.names.key(followers[place].Session) // of what is no name, no session is found
			ids[i] = followers[place].User
		}
		found, err := d.rows(ctx, keys, ids)
		if err != nil {
			return err
		}
		for _, row := range found {
			place := some[row.N-1]
			held := d.decode(row.Text)
			valid := held.User == followers[place].User && d.keys.sealed(held.Hash, row.Password)
			standings[place] = Standing{Valid: valid, Staff: valid && row.Staff}
		}
	}
	return nil
}
