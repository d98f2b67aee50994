package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime/pprof"
)

// profiled takes a measurement, and a CPU profile of it where profiles are wanted.
func (b *bench) profiled(name string, take func() error) error {
	if b.profile == "" {
		return take()
	}
	if err := os.MkdirAll(b.profile, 0o755); err != nil {
		return fmt.Errorf("making the folder of profiles: %w", err)
	}
	file, err := os.Create(filepath.Join(b.profile, name+".cpu"))
	if err != nil {
		return fmt.Errorf("making a profile: %w", err)
	}
	defer file.Close()
	if err := pprof.StartCPUProfile(file); err != nil {
		return fmt.Errorf("making a profile: %w", err)
	}
	defer pprof.StopCPUProfile()
	return take()
}
