package builtins

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/sftpc/sftpc/netio"
	"github.com/sftpc/sftpc/netio/engine"
	"github.com/sftpc/sftpc/netio/session"
)

// Dry runs: everything is asked and read for real, and whatever would change something
// is told instead. Session and local files are wrapped, so that no command has to know
// of it, and none can forget it; what they would have changed later commands see.

// dryRun is the state of one.
type dryRun struct {
	on bool
	// servers are what would be on each, by user and address.
	servers map[string]*netio.PretendedServer
	ledger  *engine.Ledger
	// fetched is a download whose local file is not told of yet.
	fetched *netio.Effect

	command, run effects // of the running command, and of all
}

// effects counts what would be done.
type effects struct {
	count [netio.EffectKinds]int
	bytes [netio.EffectKinds]int64
	all   int
}

func (t *effects) add(e netio.Effect) {
	t.all++
	t.count[e.Kind]++
	t.bytes[e.Kind] += max(0, e.Size)
}

// String lists the kinds that there are: 2 downloads of 12 bytes, 1 deletion.
func (t *effects) String() string {
	var all []string
	for kind, count := range t.count {
		if count == 0 {
			continue
		}
		text := plural(count, netio.EffectNoun(netio.EffectKind(kind)))
		if t.bytes[kind] > 0 {
			text += " of " + plural64(t.bytes[kind], "byte")
		}
		all = append(all, text)
	}
	if len(all) == 0 {
		return "no effect"
	}
	return strings.Join(all, ", ")
}

// setDryRun is SETDRYRUN(ON | OFF).
func (s *State) setDryRun(a *arguments) error {
	switch {
	case a.on(0):
		return s.beginDryRun()
	case s.options.DryRun && s.dry.on:
		s.tell("The dry run goes on: the command line asks for it.")
		return nil
	}
	return s.endDryRun()
}

// beginDryRun wraps what there is.
func (s *State) beginDryRun() error {
	if s.dry.on {
		return nil
	}
	if err := s.files.Pretend(s.options.Scratch, s.effect); err != nil {
		return err
	}
	s.dry = dryRun{on: true, servers: make(map[string]*netio.PretendedServer), ledger: engine.OpenLedger(""), run: s.dry.run}
	if s.session != nil {
		s.session = s.dressed(s.session)
	}
	return nil
}

// endDryRun goes on for real, where the run really is. What would be there is forgotten.
func (s *State) endDryRun() error {
	if !s.dry.on {
		return nil
	}
	if open, ok := s.session.(*netio.PretendedSession); ok {
		s.session = open.Base()
	}
	s.remoteDir = ""
	s.dry.on, s.dry.servers = false, nil
	return s.files.Done()
}

// dressed wraps a session in a dry run.
func (s *State) dressed(open session.Session) session.Session {
	if !s.dry.on {
		return open
	}
	key := s.endpoint.User + "@" + s.endpoint.Address
	server := s.dry.servers[key]
	if server == nil {
		server = netio.NewPretendedServer()
		s.dry.servers[key] = server
	}
	return netio.Pretend(open, server, s.effect, s.now)
}

// effect tells what would be done.
func (s *State) effect(e netio.Effect) {
	switch {
	case e.Kind == netio.EffectDownload:
		s.dry.fetched = &e // told when the local file would have its name
		return
	case e.Kind == netio.EffectWrite && s.dry.fetched != nil:
		fetched := *s.dry.fetched
		fetched.To, fetched.Replaces = e.Name, e.Replaces
		if fetched.Size < 0 {
			fetched.Size = e.Size
		}
		e, s.dry.fetched = fetched, nil
	}
	s.dry.command.add(e)
	s.dry.run.add(e)
	s.tell("%s", effectLine(e))
}

// effectLine is an effect as a sentence.
func effectLine(e netio.Effect) string {
	where, size := "", ""
	if e.Remote {
		where = " on the server"
	}
	if e.Size > 0 {
		size = ", " + plural64(e.Size, "byte")
	}
	if e.Replaces {
		size += ", in place of what is there"
	}
	switch e.Kind {
	case netio.EffectDownload:
		return fmt.Sprintf("Would download %s to %s%s", e.Name, e.To, size)
	case netio.EffectUpload:
		return fmt.Sprintf("Would upload %s%s", e.Name, size)
	case netio.EffectWrite:
		return fmt.Sprintf("Would write %s%s", e.Name, size)
	case netio.EffectDelete:
		return "Would delete " + e.Name + where
	case netio.EffectRename:
		return fmt.Sprintf("Would rename %s to %s%s%s", e.Name, e.To, where, size)
	case netio.EffectMakeDir:
		return "Would make the directory " + e.Name + where
	case netio.EffectRemoveDir:
		return "Would remove the directory " + e.Name + where
	case netio.EffectChmod:
		return fmt.Sprintf("Would set the permissions of %s to %s%s", e.Name, e.To, where)
	case netio.EffectSend:
		shown, _ := hideRaw(e.To)
		return "Would send " + shown
	}
	return "Would run " + e.To
}

// tellDone is tell for what was done: in a dry run it was not, and what would be has
// been told.
func (s *State) tellDone(format string, args ...any) {
	if !s.dry.on {
		s.tell(format, args...)
	}
}

// tellEffects sums up a command with several effects.
func (s *State) tellEffects() {
	if s.dry.command.all > 1 {
		s.tell("In all: %s", &s.dry.command)
	}
	s.dry.command, s.dry.fetched = effects{}, nil
}

// pretendedTrust is what is believed in a dry run: the same, and what is recorded goes
// into copies that are forgotten.
func (s *State) pretendedTrust(t session.Trust) session.Trust {
	if !s.dry.on {
		return t
	}
	if len(t.KnownHosts) > 0 && t.KnownHosts[0] != "" {
		t.KnownHosts = append([]string{s.copied(t.KnownHosts[0], "known_hosts")}, t.KnownHosts[1:]...)
	}
	if t.KnownCertificates != "" {
		t.KnownCertificates = s.copied(t.KnownCertificates, "known_certificates")
	}
	return t
}

// copied is a copy of a file of records for this dry run, made once. A file that is not
// there has an empty copy; one that cannot be read is named itself, for the login to say so.
func (s *State) copied(path, name string) string {
	copied := filepath.Join(s.files.Scratch(), name)
	if _, err := os.Lstat(copied); err == nil {
		return copied
	}
	text, err := os.ReadFile(path)
	if err == nil {
		err = os.WriteFile(copied, text, 0o600)
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return path
	}
	return copied
}
