// Command sftpc compiles, checks, rehearses and runs transfer scripts.
//
// main.go has the table of verbs and reads the command line; each verb has a file
// of its own: run.go, rehearse.go (with rehearsalhosts.go, the servers that answer
// for every host, and trees.go, what changed), serve.go, doctor.go, check.go, build.go,
// inspect.go, page.go (the verb doc), version.go and completion.go. What it shares
// with sftpc-run is in cmd/internal/app; read that room's run.go first.
//
// This is the one place that knows both the compiler and the runner: it hands app
// a loader for sources. It must not know how a command of the language works; what
// it needs to know about one it asks the catalogue.
//
// Statuses: run's are those of spec/results.md, since its small numbers are the
// script's; all other verbs return 0 good, 1 found something, 2 wrong command line.
//
// The tests run scripts of testdata/cli against the real command (cli_test.go),
// processes of their own for what needs signals (signals_test.go), every test
// script as a source and as a bundle (bundles_test.go), and the scripts of the
// pages in spec (pages_test.go).
package main
