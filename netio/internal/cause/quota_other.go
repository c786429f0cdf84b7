//go:build !unix

package cause

// isQuota is a question for systems that have the error.
func isQuota(error) bool { return false }
