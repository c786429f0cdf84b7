// Package engine brings one tree of files to what another one is: it walks both,
// compares, decides step by step what is to be done, and what may be deleted at the
// end. What a step means is its caller's: it opens no connection and no file of a
// user, so all of it can be tested without either.
//
// It must not know scripts, commands or messages, and not which of the two trees is
// on a server, but for one thing: whose clock is to be trusted (Comparer).
//
// Read tree.go first (what is asked of both sides and of the caller), then walk.go,
// compare.go, which holds the rules for one file, and orphans.go, which holds the
// brakes. memory.go keeps from run to run what a server cannot.
package engine
