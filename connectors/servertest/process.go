//go:build unix

package servertest

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// process is a server that runs as a child.
type process struct {
	cmd  *exec.Cmd
	gone chan struct{} // closed when it has ended
}

// start runs the command until it is stopped. Where the kernel can do it (Linux) the child gets
// the signal when this process dies in whatever way: the parent-death signal follows the
// thread that forked, so that thread is kept for it alone. The child gets a process group of
// its own, so that an interrupt at the terminal reaches it through us.
func start(cmd *exec.Cmd, onDeath syscall.Signal) (*process, error) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setpgid = true
	dieWithParent(cmd.SysProcAttr, onDeath)
	p := &process{cmd: cmd, gone: make(chan struct{})}
	started := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with this goroutine
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait()
		}
		close(p.gone)
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("starting %s: %w", cmd.Path, err)
	}
	return p, nil
}

// stop asks with the signal, and kills the whole group if that takes too long.
func (p *process) stop(sig os.Signal, limit time.Duration) {
	_ = p.cmd.Process.Signal(sig)
	select {
	case <-p.gone:
	case <-time.After(limit):
		_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
		<-p.gone
	}
}
