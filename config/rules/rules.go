// Package rules holds the rules that an operator lists in rowcall.yaml: topics, sockets, resources
// and functions. It has a type for each, and every check of them that needs no database.
//
// It also has what the server must judge as the configuration does: origins of pages, addresses of
// keys, and which bearer tokens are accepted.
//
// Each check stands here once. Package config runs the checks when it loads the file; the packages
// that serve the rules take the same types and run the same checks before they ask the database.
// A problem has the key path of the setting, such as topics[2].allow, wherever it is found.
//
// The checks have no side effects, and the types hold what the file says: the methods that parse a
// field, such as Topic.Pattern, are for rules that have passed the checks. For other rules they
// return a value that lets nobody in: a pattern that matches nothing.
package rules

// Allow says who may ask at all. The empty Allow means AllowStaff.
type Allow string

// The values of Allow. Each admits fewer people than the one before.
const (
	AllowPublic        Allow = "public"        // everybody
	AllowAuthenticated Allow = "authenticated" // users who are logged in
	AllowStaff         Allow = "staff"
)

// StaffOnly reports whether only staff is admitted. It holds for every value that is neither of the
// others.
func (a Allow) StaffOnly() bool { return a != AllowPublic && a != AllowAuthenticated }

func (a Allow) check(p *Problems, key string) {
	if a != "" {
		p.RequireOneOf(key, string(a), string(AllowPublic), string(AllowAuthenticated), string(AllowStaff))
	}
}

// The names that stand for the follower: parameters of configured SQL, and {me} in the topic of a
// socket or a resource.
const (
	ParameterMe    = "me"    // the follower's user id; NULL in SQL for an anonymous follower
	ParameterStaff = "staff" // whether the follower is staff
	// ParameterClaims is the claims of the follower's token as jsonb, an empty object without a token.
	ParameterClaims = "claims"
)
