// Command rowcall turns committed row changes in PostgreSQL into real-time events.
//
//	rowcall demo         everything at once: a private PostgreSQL, sample rows, the pages
//	rowcall init         write a first configuration file for an existing database
//	rowcall serve        a node beside a PostgreSQL that is there
//	rowcall migrate      bring a database's schema and triggers up to date
//	rowcall doctor       find what makes events missing, late or wrong
//	rowcall explain      say why a user receives an event, or does not
//	rowcall grants       print the SQL that lets roles migrate and serve
//	rowcall new-history  make every client read its state again, after files were put back
//	rowcall plan         print what apply would change, in words and as SQL
//	rowcall apply        make the declared tables live
//	rowcall gen ts       print the types of all topics for the npm package
//	rowcall watch        make tables live at once, and show their changes here and on a page
//	rowcall uninstall    remove every object of Rowcall from a database
//	rowcall version      say which build this is
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), endings()...)
	err := run(ctx, os.Args[1:], os.Environ(), os.Stdout, os.Stderr)
	stop()
	if err != nil && err.Error() != "" {
		fmt.Fprintln(os.Stderr, "rowcall: "+err.Error())
	}
	os.Exit(statusOf(err))
}

// endings are the signals that ask for an orderly end: Ctrl-C, the stop of a service manager, a
// closed terminal.
func endings() []os.Signal { return []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP} }

// hurried returns a context for the work of stopping. It ends at the next signal. Call it when ctx
// has ended.
func hurried(ctx context.Context) (context.Context, context.CancelFunc) {
	return signal.NotifyContext(context.WithoutCancel(ctx), endings()...)
}
