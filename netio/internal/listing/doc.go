// Package listing reads what FTP servers send for a directory: LIST in the
// dialects of their systems (Unix, DOS, VMS, z/OS, IBM i, NetWare, EPLF and
// others), MLSD by its standard, and the one line of MLST.
//
// It decodes nothing: names are the server's bytes, and what came before a name
// is understood by its shape, never by a character set. Every line ends as an
// entry, in one of the two counts (Unknown, Hostile), or is one of the few that
// mean nothing ("total 8", ".", "..", an empty line, the heading of a
// column, an older version of a file). None is dropped silently:
// deletions are refused on the strength of those counts.
//
// It must not know where its bytes come from, and it opens nothing. Times of LIST
// need the server's zone and today's date; both are Options.
//
// A LIST is read in one dialect, which its first lines tell (dialect.go): a line
// that would be an entry in another one is not understood.
//
// Read listing.go first, then dialect.go and unix.go for LIST and facts.go for
// MLSD.
package listing
