package schematest

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"slices"

	"github.com/jackc/pgx/v5"
	_ "github.com/jackc/pgx/v5/stdlib" // database/sql's driver, which migrations need

	"rowcall/schema"
	"rowcall/triggers"
)

// content is what a database holds.
type content struct{ core, apps, samples bool }

func contentOf(options []Option) content {
	if slices.Contains(options, Empty) {
		return content{}
	}
	if slices.Contains(options, CoreOnly) {
		return content{core: true}
	}
	return content{core: true, apps: true, samples: slices.Contains(options, Samples)}
}

// clone makes a database with the content, and returns its name.
func (s *server) clone(ctx context.Context, c content) (string, error) {
	template, err := s.template(ctx, c)
	if err != nil {
		return "", err
	}
	name := fmt.Sprintf("test_%d", s.count.Add(1))
	return name, s.create(ctx, name, template)
}

// template returns the name of the database to clone, making it when it is first asked for.
func (s *server) template(ctx context.Context, c content) (string, error) {
	if !c.core {
		return "template0", nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if name, ok := s.templates[c]; ok {
		return name, nil
	}
	name := fmt.Sprintf("template_%d", s.count.Add(1))
	if err := s.create(ctx, name, "template0"); err != nil {
		return "", err
	}
	if err := migrate(ctx, s.cluster.URL(name), c); err != nil {
		return "", fmt.Errorf("migrate a template: %w", err)
	}
	s.templates[c] = name
	return name, nil
}

func (s *server) create(ctx context.Context, name, template string) error {
	statement := "CREATE DATABASE " + name + " TEMPLATE " + template
	if s.options.Binaries.Major >= 15 {
		statement += " STRATEGY file_copy" // half the work of the usual strategy, which logs the copy
	}
	return s.maintain(ctx, statement)
}

func (s *server) drop(ctx context.Context, name string) error {
	return s.maintain(ctx, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)")
}

// maintain runs one statement outside the tests' databases.
func (s *server) maintain(ctx context.Context, statement string) error {
	conn, err := pgx.Connect(ctx, s.cluster.URL("postgres"))
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, statement)
	return err
}

// migrate brings a database to the content, as the migrate command does.
func migrate(ctx context.Context, url string, c content) error {
	db, err := sql.Open("pgx", url)
	if err != nil {
		return err
	}
	defer db.Close()
	silent := slog.New(slog.DiscardHandler)
	return schema.WithLock(ctx, db, func(ctx context.Context) error {
		if err := schema.Migrate(ctx, db, schema.Options{Apps: c.apps, Samples: c.samples, Logger: silent}); err != nil {
			return err
		}
		return triggers.Install(ctx, db, triggers.Options{Apps: c.apps, Logger: silent})
	})
}
