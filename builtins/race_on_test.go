//go:build race

package builtins

// underRace: the race detector makes transfers many times slower, and finds in a few of
// them what it finds in many.
const underRace = true
