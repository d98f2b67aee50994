package api

import (
	"context"

	"golang.org/x/sync/errgroup"

	"rowcall/api/identity"
	"rowcall/api/problem"
	"rowcall/config/rules"
	"rowcall/notifier"
)

// Ask answers questions in their order, in snapshots taken after the call began: one statement
// looks all the identities up again, and one for each pattern with access SQL answers all its
// questions. Anonymous followers learn nothing but what is public: for them, whatever else there
// is or is not needs a login.
func (r *Rules) Ask(ctx context.Context, asked []notifier.Question) ([]notifier.Grant, error) {
	followers := make([]notifier.Follower, len(asked))
	for i, q := range asked {
		followers[i] = q.Follower
	}
	standings, err := r.accounts.Current(ctx, followers)
	if err != nil {
		return nil, err
	}
	grants := make([]notifier.Grant, len(asked))
	batches := map[*topicRule]*questions{}
	for i, q := range asked {
		grants[i].Err = r.sort(batches, i, q, standings[i])
	}
	return grants, r.answer(ctx, batches, grants)
}

// sort answers a question that needs no SQL of its own, or files it with the others of its rule.
func (r *Rules) sort(batches map[*topicRule]*questions, place int, q notifier.Question, now identity.Standing) error {
	found, values := r.find(q.Topic)
	anonymous := q.Follower.User == ""
	switch {
	case !now.Valid, anonymous && (found == nil || found.source.Allow != rules.AllowPublic):
		return problem.ErrUnauthorized
	case found == nil:
		return problem.ErrNotFound
	case found.source.Allow.StaffOnly() && !now.Staff:
		return problem.ErrForbidden
	}
	arguments, err := r.arguments(found, values, q.Follower.User, now.Staff)
	if err != nil {
		return err
	}
	if found.access == nil {
		return nil
	}
	if batches[found] == nil {
		batches[found] = &questions{query: found.access}
	}
	batches[found].add(place, arguments)
	return nil
}

// arguments are the values of the parameters that SQL may name, in their order. The error is
// problem.ErrNotFound where no topic can have such values.
func (r *Rules) arguments(of *topicRule, values []string, user string, staff bool) ([]any, error) {
	arguments := []any{r.me(user), staff}
	for i, p := range of.pattern.Parameters() {
		value, ok := argument(p.Kind, values[i])
		if !ok {
			return nil, problem.ErrNotFound
		}
		arguments = append(arguments, value)
	}
	return arguments, nil
}

// answer runs the statements side by side; each writes grants of its own.
func (r *Rules) answer(ctx context.Context, batches map[*topicRule]*questions, grants []notifier.Grant) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, batch := range batches {
		group.Go(func() error {
			if err := batch.answer(ctx, r.pool, grants); err != nil {
				return problem.OfDatabase("asking access", err)
			}
			return nil
		})
	}
	return group.Wait()
}
