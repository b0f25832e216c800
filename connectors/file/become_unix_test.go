//go:build unix

package file_test

import "syscall"

// become gives up being root.
func become(uid int) error { return syscall.Setuid(uid) }
