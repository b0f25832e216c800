//go:build unix && !linux

package servertest

import "syscall"

// dieWithParent does nothing: these systems have no parent-death signal. Main still stops the
// servers; a test binary that is killed leaves them behind.
func dieWithParent(*syscall.SysProcAttr, syscall.Signal) {}
