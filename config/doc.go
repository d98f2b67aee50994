// Package config reads Rowcall's settings: one YAML file, environment variables that begin with
// ROWCALL_, and command line flags. Flags win over the environment, the environment over the file,
// the file over the defaults.
//
// Load reports everything that is wrong at once, each problem with its key path and what to do
// about it. It refuses unknown keys, values of another type and values out of range. The lists of
// rules (topics, sockets, resources, functions) are checked by package config/rules.
//
// Only this package uses viper. Viper merges the sources; the rest of the program sees plain structs.
// The lists of rules go around viper, because it lower-cases every key, also within a literal frame.
//
// The package starts no goroutine, and a Config is not changed after Load has returned it.
package config
