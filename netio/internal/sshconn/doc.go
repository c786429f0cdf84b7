// Package sshconn speaks SFTP: one Session is one SSH connection with one to four
// channels, each of which has an SFTP server of its own behind it.
//
// The handshake is that of github.com/pkg/sftp, unchanged. It does not see the channel
// but a wire (wire.go): requests of ours go over the same channel, told apart by the
// ids of the answers. All questions are ours: the library's files know neither contexts
// nor time-outs, its listings take "../x" for "x" and have no bounds, the words of the
// server are lost where it knows the code, and the speed of a transfer lies in how its
// requests are spread.
//
// Several sessions may share one connection (trunk.go); each runs one command at a time.
//
// The package must not know scripts, result codes or local paths. Who the server
// is and who we are is proven in netio/internal/sshlogin.
//
// Read session.go first, then wire.go (packets in, packets out), lane.go (a
// channel), names.go (one question, one answer), small.go (small files), and
// transfer.go with download.go and upload.go (many requests at once).
package sshconn
