//go:build !unix

package server_test

import "errors"

func makePipe(string) error { return errors.ErrUnsupported }
