// Package record keeps what was learned of servers from one run to the next: a small
// file for each server and account, in one folder.
//
// A record is a hint that saves time. It may be lost or be wrong without harm: what
// cannot be read, is damaged, too old, from the future or out of range counts as not
// known and is written anew. Files are replaced whole, so that runs at the same time
// never see half of one; the last to write wins.
//
// A session replaces at its end what it knows of. What sessions cannot know, how many
// of them there may be, is kept apart (KeepMostSessions).
//
// It must not know what the facts mean to a protocol, and it holds nothing that says
// which server is believed: that is netio/internal/trust.
//
// Read store.go first, then facts.go for how facts are written and how long they
// last.
package record
