package builtins

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/windows"
)

// shellCommand is a command line for the system's shell. The line goes to it as
// it is: its quoting rules are its own.
func shellCommand(line string, variable func(string) string) *exec.Cmd {
	shell := variable("ComSpec")
	if shell == "" {
		shell = filepath.Join(variable("SystemRoot"), "System32", "cmd.exe")
	}
	return &exec.Cmd{Path: shell, Args: []string{shell}, SysProcAttr: &syscall.SysProcAttr{CmdLine: `cmd.exe /S /C "` + line + `"`}}
}

// programEndings are what a program's file may be called besides its name.
func programEndings(name, pathext string) []string {
	if filepath.Ext(name) != "" {
		return []string{""}
	}
	if pathext == "" {
		pathext = ".com;.exe;.bat;.cmd"
	}
	return strings.Split(strings.ToLower(pathext), ";")
}

func executable(info fs.FileInfo) bool { return info.Mode().IsRegular() }

func exitCode(state *os.ProcessState) int { return state.ExitCode() }

// processGroup is a job object: what the program starts belongs to it too, and
// dies when it is closed.
type processGroup struct{ job windows.Handle }

func startGroup(program *exec.Cmd) (*processGroup, error) {
	job, err := windows.CreateJobObject(nil, nil)
	if err != nil {
		return nil, err
	}
	g := &processGroup{job: job}
	limits := windows.JOBOBJECT_EXTENDED_LIMIT_INFORMATION{}
	limits.BasicLimitInformation.LimitFlags = windows.JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE
	if _, err := windows.SetInformationJobObject(job, windows.JobObjectExtendedLimitInformation,
		uintptr(unsafe.Pointer(&limits)), uint32(unsafe.Sizeof(limits))); err != nil {
		g.kill()
		return nil, err
	}
	if err := program.Start(); err != nil {
		g.kill()
		return nil, err
	}
	process, err := windows.OpenProcess(windows.PROCESS_SET_QUOTA|windows.PROCESS_TERMINATE, false, uint32(program.Process.Pid))
	if err == nil {
		err = windows.AssignProcessToJobObject(job, process)
		windows.CloseHandle(process)
	}
	if err != nil {
		// A program that ended already cannot be assigned, and has nothing to kill.
		return g, nil
	}
	return g, nil
}

// end ends the group at once: there is no signal that every program would heed.
func (g *processGroup) end(<-chan struct{}) { _ = windows.TerminateJobObject(g.job, 1) }

// kill ends what is left of the group and releases the job.
func (g *processGroup) kill() { windows.CloseHandle(g.job) }
