// Package names holds the rules for names of files that concern both sides of a
// transfer: which names from a server may become a file here (SafeName), what a
// wildcard matches (Match), and which names are our own unfinished downloads
// (IsPart).
//
// Everything here is a pure function of its arguments. The system whose rules
// hold is one of them, so that Windows rules are tested everywhere; nothing here
// touches a file.
//
// Read safe.go first.
package names
