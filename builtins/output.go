package builtins

import (
	"errors"
	"io"
	"os"

	"github.com/sftpc/sftpc/netio"
	"github.com/sftpc/sftpc/netio/session"
)

// outputCommands write and say how much is told.
func outputCommands() family {
	return family{
		"PRINT":   (*State).print,
		"SILENT":  (*State).silent,
		"VERBOSE": (*State).verbose,
		"LOGTO":   (*State).logTo,
	}
}

// print writes a line on the job's standard output: the text's own bytes and LF.
//
// Secrets are masked by value here too. The other choice would be to leave
// standard output alone because it is a script's data; but a password that a
// server's reply repeats ends in the mail of a nightly job through PRINT(GETREPLY)
// more easily than through anything that we tell ourselves.
func (s *State) print(a *arguments) error {
	text := s.masks.hide(a.text(0))
	if s.job.Stdout != nil {
		s.voice.printed()
		if _, err := io.WriteString(s.job.Stdout, text+"\n"); err != nil {
			return &session.Error{Op: "writing on standard output", Cause: session.LocalFailure, Class: session.ClassLocal, Err: err}
		}
	}
	s.voice.tell(Event{Kind: Print, Text: text})
	return nil
}

func (s *State) silent(a *arguments) error {
	s.voice.setSilent(a.on(0))
	return nil
}

func (s *State) verbose(a *arguments) error {
	s.voice.setVerbose(a.on(0))
	return nil
}

// logFile is a local file that LOGTO writes the transcript to.
type logFile struct {
	file       *os.File
	transcript *Transcript
}

// logMode lets only the owner read a log: it names hosts, users and files.
const logMode = 0o600

// logTo writes everything that is told from now on into a file as well. A log
// that was open is closed.
func (s *State) logTo(a *arguments) error {
	path, err := s.localPath(a.text(0))
	if err != nil {
		return err
	}
	flag := os.O_WRONLY | os.O_CREATE
	if a.constant(1) == "OVERWRITE" {
		flag |= os.O_TRUNC
	} else {
		flag |= os.O_APPEND
	}
	file, err := s.files.OpenFile(path, flag, logMode)
	if err != nil {
		return err
	}
	log := &logFile{file: file, transcript: NewTranscript(file, TranscriptOptions{Everything: true, Times: true, Zone: s.zone()})}
	return s.logFailure(path, s.voice.logTo(log))
}

// logFailure is what a log that could not be written whole gives.
func (s *State) logFailure(path netio.LocalPath, err error) error {
	return s.files.Failure("writing the log before", path, err)
}

// close ends the log; nil has nothing to close.
func (l *logFile) close() error {
	if l == nil {
		return nil
	}
	return errors.Join(l.transcript.Err(), l.file.Close())
}
