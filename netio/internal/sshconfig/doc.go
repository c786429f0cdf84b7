// Package sshconfig reads what ssh_config says of one host: HostName, Port, User,
// IdentityFile, IdentityAgent, ProxyJump, and which files know the keys of hosts, within
// Host, Match and Include.
//
// What would run a program is never obeyed: ProxyCommand is reported, a block behind
// Match exec does not match. Nor is anything that would weaken the check of host keys.
// What leads the connection elsewhere and is not obeyed is reported. All other keywords
// are passed over, whatever they are.
//
// It opens the files that it is told of and those that they include, and nothing
// else; the environment and the user's name are the caller's to give.
//
// Read config.go.
package sshconfig
