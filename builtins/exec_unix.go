//go:build unix

package builtins

import (
	"io/fs"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// shellCommand is a command line for the system's shell.
func shellCommand(line string, _ func(string) string) *exec.Cmd {
	return &exec.Cmd{Path: "/bin/sh", Args: []string{"/bin/sh", "-c", line}}
}

// programEndings are what a program's file may be called besides its name.
func programEndings(string, string) []string { return []string{""} }

func executable(info fs.FileInfo) bool {
	return info.Mode().IsRegular() && info.Mode().Perm()&0o111 != 0
}

// exitCode is the status as a shell would say it: 128 and the signal for a
// program that was killed.
func exitCode(state *os.ProcessState) int {
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal())
	}
	return state.ExitCode()
}

// processGroup is a program and what it starts.
type processGroup struct{ id int }

// startGroup starts the program as the head of a process group of its own.
func startGroup(program *exec.Cmd) (*processGroup, error) {
	program.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := program.Start(); err != nil {
		return nil, err
	}
	return &processGroup{id: program.Process.Pid}, nil
}

// termGrace is how long a program may tidy up when the run is cancelled.
const termGrace = time.Second

// end asks the group to end, and kills it if the program has not ended in time.
func (g *processGroup) end(ended <-chan struct{}) {
	_ = syscall.Kill(-g.id, syscall.SIGTERM)
	timer := time.NewTimer(termGrace)
	defer timer.Stop()
	select {
	case <-ended:
	case <-timer.C:
		g.kill()
	}
}

// kill ends what is left of the group. That nothing is left is the usual case.
func (g *processGroup) kill() { _ = syscall.Kill(-g.id, syscall.SIGKILL) }
