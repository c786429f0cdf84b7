// Package sshconn speaks SFTP: one Session is one SSH connection with one to four
// channels, each of which has an SFTP server of its own behind it.
//
// What concerns names (STAT, MKDIR, RENAME, …) is asked by github.com/pkg/sftp,
// unchanged. It does not see the channel but a wire (wire.go): requests of ours go
// over the same channel between its own, told apart by the ids of the answers.
// What concerns open files and directories is ours: the library's files know
// neither contexts nor time-outs, its listings take "../x" for "x" and have no
// bounds, and the speed of a transfer lies in how its requests are spread.
//
// The package must not know scripts, result codes or local paths. Who the server
// is and who we are is proven in netio/internal/sshlogin.
//
// Read session.go first, then wire.go (packets in, packets out), lane.go (a
// channel), request.go (one question, one answer), and transfer.go with
// download.go and upload.go (many at once).
package sshconn
