package builtins

import (
	"errors"
	"io"
	"io/fs"

	"github.com/sftpc/sftpc/netio"
	"github.com/sftpc/sftpc/netio/session"
)

// proof is what the script logs in with besides a password.
type proof struct {
	key    session.Login // the fields about a key
	broken error         // why SETKEYFILE failed; OPENHOST over SFTP then fails too
	legacy bool          // SETALGORITHMS(LEGACY)
}

// mostKeyFile bounds a file of a key: the longest have some 10 KiB.
const mostKeyFile = 1 << 20

// setKeyFile is SETKEYFILE(file [, passphrase]) and SETKEYFILE(NONE). The file is
// read here and now, so that a missing one and a wrong passphrase are told where
// they are written.
func (s *State) setKeyFile(a *arguments) error {
	s.settings.proof.key, s.settings.proof.broken = session.Login{}, nil
	if a.constant(0) == "NONE" {
		return nil
	}
	key, err := s.readKey(a.text(0), a.text(1))
	if err != nil {
		s.settings.proof.broken = err
		return err
	}
	s.settings.proof.key = key
	return nil
}

func (s *State) readKey(written, passphrase string) (session.Login, error) {
	path, err := s.localPath(written)
	if err != nil {
		return session.Login{}, err
	}
	data, err := s.readSmall(path, true)
	if err != nil {
		return session.Login{}, s.files.Failure("reading the key", path, err)
	}
	key := session.Login{Key: data, KeyName: path.String(), Passphrase: passphrase}
	if err := netio.CheckKey(key); err != nil {
		return session.Login{}, err
	}
	beside, err := s.files.Child(path.Parent(), path.Name()+netio.CertificateSuffix)
	if err != nil {
		return session.Login{}, err
	}
	switch data, err := s.readSmall(beside, false); {
	case err == nil:
		key.KeyCertificate = data
	case !errors.Is(err, fs.ErrNotExist):
		return session.Login{}, s.files.Failure("reading the key's certificate", beside, err)
	}
	return key, nil
}

// readSmall reads a file that holds a key; private is for one that nobody else should
// be able to read.
func (s *State) readSmall(path netio.LocalPath, private bool) ([]byte, error) {
	file, err := s.files.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close() // it was only read
	if info, err := file.Stat(); err == nil && private && s.files.System() != "windows" && info.Mode().Perm()&0o077 != 0 && !s.options.Pretended {
		s.warn("the key %s can be read by others: chmod 600 makes it yours alone", quoted(path.String()))
	}
	data, err := io.ReadAll(io.LimitReader(file, mostKeyFile+1))
	if err == nil && len(data) > mostKeyFile {
		err = errors.New("it is too long for a key")
	}
	return data, err
}

func (s *State) setAlgorithms(a *arguments) error {
	s.settings.proof.legacy = a.constant(0) == "LEGACY"
	return nil
}

// prove puts into the endpoint what proves who we are. mapped and portGiven tell what
// ssh_config is not asked for.
func (s *State) prove(e *session.Endpoint, mapped, portGiven bool) error {
	if e.Protocol != session.SFTP {
		return nil
	}
	if s.settings.proof.broken != nil {
		return s.settings.proof.broken
	}
	e.Login.Key, e.Login.KeyName = s.settings.proof.key.Key, s.settings.proof.key.KeyName
	e.Login.Passphrase, e.Login.KeyCertificate = s.settings.proof.key.Passphrase, s.settings.proof.key.KeyCertificate
	e.Login.Agent, e.Login.SSH = s.options.Agent, s.options.SSH
	e.Login.SSH.AddressGiven, e.Login.SSH.PortGiven = mapped, portGiven
	return nil
}
