// Package catalog is the one table of everything a script can name: commands
// with their forms and parameters, the settings behind the SET commands, the
// constants, and the results with their codes and classes.
//
// It is a leaf and holds no code that runs a command. The compiler resolves
// names and forms with it, the linker checks a bundle's imports against it, and
// help, completion, policy and the pages under spec/commands are written from it
// or compared with it by tests.
//
// Adding a command is a row here, a function in builtins, a page in
// spec/commands and a test. Read catalog.go for the columns, commands.go and
// settings.go for the rows, results.go for what commands return.
package catalog
