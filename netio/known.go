package netio

import "github.com/sftpc/sftpc/netio/internal/trust"

// CheckKnownHosts reads a file of host keys in the form of OpenSSH's, as a login
// would. It returns how many keys are in it and a sentence for each line that is
// left out; a missing file is an empty one. The error is for a file that cannot be
// read.
func CheckKnownHosts(file string) (keys int, damaged []string, err error) {
	return trust.CheckKnownHosts(file)
}
