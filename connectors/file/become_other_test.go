//go:build !unix

package file_test

import "errors"

func become(int) error { return errors.ErrUnsupported }
