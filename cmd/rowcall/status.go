package main

import "errors"

// exitStatus is an error with the status that the process ends with.
type exitStatus struct {
	code int
	err  error // nil: everything was said already
}

func (s exitStatus) Error() string {
	if s.err == nil {
		return ""
	}
	return s.err.Error()
}

func (s exitStatus) Unwrap() error { return s.err }

// statusOf returns the status of the process for the error of run.
func statusOf(err error) int {
	if err == nil {
		return 0
	}
	if status, ok := errors.AsType[exitStatus](err); ok {
		return status.code
	}
	return 1
}
