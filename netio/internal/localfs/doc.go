// Package localfs is all that a run can see of the local files: the folder of a
// tenant or this system's own tree, and the drives and shares that were mapped.
//
// Paths that a script wrote (C:\WINDOWS\TEMP, \\server\share\x, /a/b, x) are
// turned into Paths by Resolve; names that a server sent are checked and added
// to a folder by Child. There is no third way to get a Path. Below a mapped
// folder all access goes through os.Root, so that nothing leads out of it,
// neither `..` nor a link.
//
// It never changes the process's directory, umask or environment, and it knows
// nothing of servers, scripts or commands. Every error is a *session.Error that
// shows the path as the script would write it, never where it really lies.
//
// Read fs.go first for the surface, then written.go for how paths are read and
// part.go for how a download comes to appear whole.
package localfs
