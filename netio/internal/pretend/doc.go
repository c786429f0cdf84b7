// Package pretend carries out changes in mind only, for dry runs.
//
// A Tree lies over a tree of files that must not change, and knows what would be there
// after all that was not done: what came, went or was moved. A Session is a session
// whose changes go into such a tree and not to the server; everything else is asked of
// the session below, so that later commands see what earlier ones would have done. Local
// files are treated in the same way by package localfs. Every change is told as an
// Effect.
//
// It must not know of scripts, or of how an effect is shown. Read tree.go first, then
// session.go.
package pretend
