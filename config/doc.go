// Package config reads Rowcall's settings: one YAML file, environment variables that begin with
// ROWCALL_, and command line flags. Flags win over the environment, the environment over the file,
// the file over the defaults.
//
// Load reports everything that is wrong at once, each problem with its key path and what to do
// about it. Nothing is accepted in silence: unknown keys, values of another type and values out of
// range are all refused.
//
// Viper stops here. It merges the sources and is forgotten; the rest of the program sees plain
// structs. Lists of topics and sockets never pass through it, because it lower-cases every key it
// meets, those of a literal frame too.
//
// The package starts no goroutine, and a Config is not changed after Load has returned it.
package config
