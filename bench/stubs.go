package main
import "context"
func fanOut(context.Context, *bench) error { return nil }
func latency(context.Context, *bench) error { return nil }
func idle(context.Context, *bench) error { return nil }
