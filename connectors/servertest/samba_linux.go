package servertest

import (
	"context"
	"fmt"
	"net"
	"os/exec"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// ownNetwork makes the command run in a network namespace of its own.
func ownNetwork(cmd *exec.Cmd) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWNET
}

// dialIn connects to an address as seen by a process. A socket belongs to the namespace that it
// was made in, so a thread that is used for nothing else goes there and connects.
func dialIn(ctx context.Context, pid int, address string) (net.Conn, error) {
	type result struct {
		conn net.Conn
		err  error
	}
	done := make(chan result, 1)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with this goroutine
		fd, err := unix.Open(fmt.Sprintf("/proc/%d/ns/net", pid), unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err == nil {
			err = unix.Setns(fd, unix.CLONE_NEWNET)
			_ = unix.Close(fd)
		}
		if err != nil {
			done <- result{nil, fmt.Errorf("entering the server's network: %w", err)}
			return
		}
		c, err := new(net.Dialer).DialContext(ctx, "tcp4", address)
		done <- result{c, err}
	}()
	r := <-done
	return r.conn, r.err
}
