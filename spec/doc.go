// Package spec holds what sftpc promises, as pages for people, and hands them to
// the command's doc verb.
//
// language.md is the language, results.md its codes and exit statuses, errors.md
// what the compiler says, compat.md what ScriptFTP's users will find different;
// grammar.ebnf, bytecode.md and bundle.md are for those who write tools;
// rationale.md says why. commands has a page a command, guide and cookbook teach.
//
// It knows no code. Its tests do the opposite: they compare every table, number
// and example of the pages with the code, so that neither can go its own way.
package spec
