package api

import (
	"errors"
	"fmt"
	"iter"
)

// compileEach compiles the rules of one kind, by their places in the configuration, each beside those before it. The
// error joins all problems, each with its key path.
func compileEach[R, T any](kind string, rules iter.Seq2[int, R], compile func(rule R, others []T) (T, error)) ([]T, error) {
	var all []T
	var problems []error
	for i, rule := range rules {
		compiled, err := compile(rule, all)
		if err != nil {
			problems = append(problems, prefixed(fmt.Sprintf("%s[%d].", kind, i), err)...)
			continue
		}
		all = append(all, compiled)
	}
	if err := errors.Join(problems...); err != nil {
		return nil, fmt.Errorf("the rules of %s:\n%w", kind, err)
	}
	return all, nil
}

// prefixed completes the key paths of joined errors.
func prefixed(prefix string, err error) []error {
	parts := []error{err}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		parts = joined.Unwrap()
	}
	for i, part := range parts {
		parts[i] = fmt.Errorf("%s%w", prefix, part)
	}
	return parts
}

// at names the key that an error belongs to.
func at(key string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", key, err)
}
