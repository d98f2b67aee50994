package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/spf13/cobra"

	"rowcall/cmd/internal/grants"
	"rowcall/cmd/internal/node"
	"rowcall/config"
)

func (p *program) grants() *cobra.Command {
	var roles grants.Roles
	cmd := &cobra.Command{
		Use:   "grants",
		Short: "Print the SQL that lets one role migrate a database and another one serve it",
		Long: "Grants prints the SQL that a database administrator runs so that a role may migrate, another one may\n" +
			"serve, or both. Neither has to be a superuser or to have CREATEROLE. If the database answers, statements\n" +
			"that are in effect already are printed as comments: the others are what is missing. It changes nothing.",
		Example: "  rowcall grants --migrate app --serve node | psql --set=ON_ERROR_STOP=1 shop",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, _, err := p.settings(cmd, nil)
			if err != nil {
				return err
			}
			return p.runGrants(cmd.Context(), c, roles)
		},
	}
	cmd.Flags().StringVar(&roles.Migrate, "migrate", "", "`role` that migrates; without both flags the role of database.migrate_url, direct_url or url")
	cmd.Flags().StringVar(&roles.Serve, "serve", "", "`role` that serves; without both flags the role of database.url")
	return cmd
}

func (p *program) runGrants(ctx context.Context, c *config.Config, roles grants.Roles) error {
	dsn, err := node.ParseDSN(c.Database.Migrate())
	if err != nil {
		return err
	}
	if roles == (grants.Roles{}) {
		serving, err := node.ParseDSN(c.Database.URL)
		if err != nil {
			return err
		}
		roles = grants.Roles{Migrate: dsn.User, Serve: serving.User}
	}
	conn, unasked := connectToAsk(ctx, c)
	if conn != nil {
		defer conn.Close(context.WithoutCancel(ctx))
	}
	sections, err := grants.Write(ctx, c, roles, dsn.Database, conn)
	if err != nil {
		return err
	}
	missing := 0
	for _, s := range sections {
		missing += p.tellSection(s)
	}
	switch {
	case conn == nil:
		p.tellComment("The database was not asked what is in effect already: " + unasked.Error())
	case missing == 0:
		p.tellComment("Nothing is missing in database " + dsn.Database + ".")
	default:
		p.tellComment(fmt.Sprintf("Statements that are missing in database %s: %d.", dsn.Database, missing))
	}
	return nil
}

// tellComment prints a comment of SQL. A name in it may have line breaks, which would end the comment.
func (p *program) tellComment(text string) {
	p.say("-- %s", strings.NewReplacer("\n", " ", "\r", " ").Replace(text))
}

// connectToAsk connects as the role that migrates or, where that does not work, as the one that serves. The error says
// why neither works.
func connectToAsk(ctx context.Context, c *config.Config) (*pgx.Conn, error) {
	conn, refused := connectOnce(ctx, "database.migrate_url", c.Database.Migrate())
	if refused == nil || c.Database.URL == c.Database.Migrate() {
		return conn, refused
	}
	if conn, err := connectOnce(ctx, "database.url", c.Database.URL); err == nil {
		return conn, nil
	}
	return nil, refused
}

func connectOnce(ctx context.Context, setting string, dsn config.DSN) (*pgx.Conn, error) {
	way, err := node.FindWay(ctx, setting, dsn)
	if err != nil {
		return nil, err
	}
	return way.Connect(ctx)
}

// tellSection prints a section as a script, and returns how many of its statements are missing for the roles asked about.
func (p *program) tellSection(s grants.Section) (missing int) {
	p.tellComment(s.Title)
	for _, note := range s.Notes {
		p.tellComment(note)
	}
	for _, statement := range s.Statements {
		if statement.Done {
			p.tellComment("in effect: " + statement.SQL + ";")
			continue
		}
		if !statement.Idle {
			missing++
		}
		p.say("%s;", statement.SQL)
	}
	p.say("")
	return missing
}
