package sshlogin

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"github.com/sftpc/sftpc/netio/session"
)

const fixturePassphrase = "open sesame"

func fixture(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "keys", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func fixturePublic(t *testing.T, name string) ssh.PublicKey {
	t.Helper()
	key, _, _, _, err := ssh.ParseAuthorizedKey(fixture(t, name))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestReadKey_EveryForm(t *testing.T) {
	files, err := filepath.Glob("testdata/keys/*[^b]")
	if err != nil || len(files) < 14 {
		t.Fatalf("%d fixtures, %v", len(files), err)
	}
	for _, file := range files {
		name := filepath.Base(file)
		if name == "README.md" || name == "pem-dsa" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			data := fixture(t, name)
			passphrase := ""
			if strings.Contains(name, "-locked") {
				passphrase = fixturePassphrase
				for given, says := range map[string]string{"": "is locked with a passphrase", "open barley": "cannot be opened: the passphrase is wrong"} {
					_, err := ReadKey(data, given, name, false)
					if session.CauseOf(err) != session.KeyUnusable || !strings.Contains(err.Error(), name+" "+says) {
						t.Errorf("with the passphrase %q: %v", given, err)
					}
				}
			}
			signer, err := ReadKey(data, passphrase, name, false)
			if err != nil {
				t.Fatal(err)
			}
			if name == "pkcs8-ed25519" {
				if signer.PublicKey().Type() != ssh.KeyAlgoED25519 {
					t.Errorf("type %s", signer.PublicKey().Type())
				}
				return
			}
			if want := fixturePublic(t, name+".pub"); !bytes.Equal(signer.PublicKey().Marshal(), want.Marshal()) {
				t.Errorf("it is another key than %s.pub", name)
			}
			if _, err := ReadKey(data, "a passphrase that it does not need", name, false); passphrase == "" && err != nil {
				t.Errorf("with a passphrase too many: %v", err)
			}
		})
	}
}

func TestReadKey_Refused(t *testing.T) {
	for name, c := range map[string]struct {
		data []byte
		says string
	}{
		"DSA":         {fixture(t, "pem-dsa"), "is a DSA key, which servers gave up"},
		"public":      {fixture(t, "openssh-rsa.pub"), "is a public key, and the private one is needed"},
		"certificate": {fixture(t, "openssh-rsa-cert.pub"), "is a public key"},
		"PuTTY":       {[]byte("PuTTY-User-Key-File-3: ssh-ed25519\r\n"), "is a key of PuTTY's"},
		"text":        {[]byte("hello"), "is not a private key that can be read: no key found"},
		"empty":       {nil, "no key found"},
		"damaged":     {bytes.Replace(fixture(t, "pkcs8-rsa-locked"), []byte("MII"), []byte("MIA"), 1), "is not a private key that can be read"},
	} {
		_, err := ReadKey(c.data, fixturePassphrase, "K", false)
		if session.CauseOf(err) != session.KeyUnusable || !strings.Contains(err.Error(), "K "+c.says) && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := ReadKey(fixture(t, "pem-dsa"), "", "K", true); err != nil {
		t.Errorf("DSA for a legacy server: %v", err)
	}
}

func FuzzReadKey(f *testing.F) {
	for _, name := range []string{"openssh-ed25519-locked", "pem-ecdsa-locked", "pkcs8-ed25519"} {
		data, err := os.ReadFile(filepath.Join("testdata", "keys", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		// Without a passphrase: the work that one may ask for is bounded, but long.
		if signer, err := ReadKey(data, "", "K", true); err == nil && signer == nil {
			t.Error("neither a key nor an error")
		}
	})
}

func FuzzDecryptPKCS8(f *testing.F) {
	f.Add([]byte{0x30, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		if !bytes.Contains(data, []byte{0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0c}) { // PBKDF2 is slow by design
			decryptPKCS8(data, fixturePassphrase)
		}
	})
}

func TestConnect_ByKey(t *testing.T) {
	for _, name := range []string{"openssh-ed25519", "openssh-rsa", "openssh-ecdsa", "pkcs8-rsa-locked"} {
		t.Run(name, func(t *testing.T) {
			server := &sshServer{keys: []ssh.PublicKey{fixturePublic(t, name+".pub")}}
			endpoint := visit(server.start(t))
			endpoint.Password = ""
			endpoint.Login = session.Login{Key: fixture(t, name), KeyName: name}
			if strings.Contains(name, "-locked") {
				endpoint.Login.Passphrase = fixturePassphrase
			}
			connect(t, endpoint, patient())
			endpoint.Login.Key = fixture(t, "pem-ecdsa")
			refuse(t, endpoint, patient(), session.AccessRefused, "the server refused publickey (ecdsa-sha2-nistp256 SHA256:", "of "+name, "it takes publickey")
		})
	}
	t.Run("the wrong passphrase", func(t *testing.T) {
		endpoint := visit("127.0.0.1:1")
		endpoint.Login = session.Login{Key: fixture(t, "openssh-ed25519-locked"), KeyName: "k"}
		refuse(t, endpoint, patient(), session.KeyUnusable, "k is locked with a passphrase", "SETKEYFILE")
	})
}

// A server that is shown the certificate lets in whom its authority signed for.
func TestConnect_ByCertificate(t *testing.T) {
	for _, name := range []string{"openssh-ed25519", "openssh-rsa"} {
		t.Run(name, func(t *testing.T) {
			server := &sshServer{change: func(config *ssh.ServerConfig) {
				checker := &ssh.CertChecker{IsUserAuthority: func(key ssh.PublicKey) bool {
					return bytes.Equal(key.Marshal(), fixturePublic(t, "ca.pub").Marshal())
				}}
				config.PublicKeyCallback = checker.Authenticate
			}}
			endpoint := visit(server.start(t))
			endpoint.Login = session.Login{Key: fixture(t, name), KeyName: name, KeyCertificate: fixture(t, name+"-cert.pub")}
			connect(t, endpoint, patient())
			endpoint.Login.KeyCertificate = fixture(t, name+".pub")
			refuse(t, endpoint, patient(), session.KeyUnusable, "is not a certificate of OpenSSH's")
			endpoint.Login.KeyCertificate = fixture(t, "openssh-ed25519-cert.pub")
			endpoint.Login.Key = fixture(t, "openssh-ecdsa")
			refuse(t, endpoint, patient(), session.KeyUnusable, "is the certificate of another key")

			folder := t.TempDir()
			for _, end := range []string{"", "-cert.pub"} {
				os.WriteFile(filepath.Join(folder, name+end), fixture(t, name+end), 0o600)
			}
			endpoint.Login = session.Login{SSH: session.SSHFiles{Keys: []string{filepath.Join(folder, name)}}}
			connect(t, endpoint, patient())

			// One that lies elsewhere, for a key of a file and for one of the agent.
			moved := filepath.Join(folder, "moved")
			if err := os.Rename(filepath.Join(folder, name+"-cert.pub"), moved); err != nil {
				t.Fatal(err)
			}
			other := write(t, "other-cert.pub", string(fixture(t, map[bool]string{true: "openssh-rsa", false: "openssh-ed25519"}[name != "openssh-rsa"]+"-cert.pub")))
			certificates := []string{filepath.Join(folder, "missing"), filepath.Join(folder, name), other, moved}
			endpoint.Login.SSH.Certificates = certificates
			connect(t, endpoint, patient())
			ring := agent.NewKeyring()
			raw, err := ssh.ParseRawPrivateKey(fixture(t, name))
			if err != nil {
				t.Fatal(err)
			}
			if err := ring.Add(agent.AddedKey{PrivateKey: raw}); err != nil {
				t.Fatal(err)
			}
			endpoint.Login = session.Login{Agent: agentOf(t, ring), SSH: session.SSHFiles{Certificates: certificates}}
			connect(t, endpoint, patient())
		})
	}
}

func TestConnect_UserKeys(t *testing.T) {
	folder := t.TempDir()
	place := func(name string) string {
		path := filepath.Join(folder, name)
		os.WriteFile(path, fixture(t, name), 0o600)
		return path
	}
	var notes []string
	settings := patient()
	settings.Observe = func(w session.Wire) { notes = append(notes, w.Text) }
	server := &sshServer{keys: []ssh.PublicKey{fixturePublic(t, "openssh-ecdsa.pub")}}
	endpoint := visit(server.start(t))
	endpoint.Login.SSH.Keys = []string{filepath.Join(folder, "missing"), place("openssh-ed25519-locked"), place("pem-dsa"), folder, place("openssh-ecdsa")}
	connect(t, endpoint, settings)
	if len(notes) != 3 || !strings.Contains(notes[0], "openssh-ed25519-locked is locked") || !strings.Contains(notes[1], "DSA") || !strings.Contains(notes[2], "it is not a file") {
		t.Errorf("notes %q", notes)
	}
	if got, want := server.logins(), []string{"none", "publickey ok"}; !slices.Equal(got, want) {
		t.Errorf("logins %q, want %q", got, want)
	}
}

// Servers end a login after some attempts, the keys that they are shown among them:
// the password must not come too late.
func TestConnect_ManyKeysAndAPassword(t *testing.T) {
	server := &sshServer{password: "correct horse", keys: []ssh.PublicKey{keyPool.other.PublicKey()}}
	keyring := agent.NewKeyring()
	for range 8 {
		keyring.Add(agent.AddedKey{PrivateKey: newEd25519()})
	}
	endpoint := visit(server.start(t))
	endpoint.Login.Agent = agentOf(t, keyring)
	connect(t, endpoint, patient())
	if got := server.logins(); got[len(got)-1] != "password ok" {
		t.Errorf("logins %q", got)
	}
	endpoint.Password = ""
	refuse(t, endpoint, patient(), session.AccessRefused, "too many authentication failures", "SETKEYFILE names the one to show")
}

// agentOf serves an agent on a socket, as ssh-agent does.
func agentOf(t *testing.T, keyring agent.Agent) func(context.Context) (net.Conn, error) {
	t.Helper()
	address := listen(t, func(conn net.Conn) { agent.ServeAgent(keyring, conn) })
	return func(ctx context.Context) (net.Conn, error) { return new(net.Dialer).DialContext(ctx, "tcp", address) }
}

func TestConnect_Agent(t *testing.T) {
	key := newRSA()
	server := &sshServer{keys: []ssh.PublicKey{newKey(key).PublicKey()}}
	address := server.start(t)
	keyring := agent.NewKeyring()
	if err := keyring.Add(agent.AddedKey{PrivateKey: key}); err != nil {
		t.Fatal(err)
	}
	t.Run("its key", func(t *testing.T) {
		endpoint := visit(address)
		endpoint.Login.Agent = agentOf(t, keyring)
		connect(t, endpoint, patient())
	})
	t.Run("only keys that are the user's", func(t *testing.T) {
		others := agent.NewKeyring()
		for range 7 {
			others.Add(agent.AddedKey{PrivateKey: newEd25519()})
		}
		others.Add(agent.AddedKey{PrivateKey: key})
		endpoint := visit(address)
		endpoint.Password = ""
		endpoint.Login.Agent = agentOf(t, others)
		public := write(t, "id.pub", string(ssh.MarshalAuthorizedKey(newKey(key).PublicKey())))
		endpoint.Login.SSH = session.SSHFiles{Keys: []string{strings.TrimSuffix(public, ".pub")}, KeysOnly: true}
		connect(t, endpoint, patient())
		endpoint.Login.SSH.KeysOnly = false
		refuse(t, endpoint, patient(), session.AccessRefused)
	})
	t.Run("is not there", func(t *testing.T) {
		endpoint := visit(address)
		endpoint.Login.Agent = func(context.Context) (net.Conn, error) { return nil, errors.New("gone") }
		refuse(t, endpoint, patient(), session.AccessRefused)
	})
	t.Run("is mute", func(t *testing.T) {
		mute := listen(t, func(conn net.Conn) { io.Copy(io.Discard, conn) })
		endpoint := visit(address)
		endpoint.Login.Agent = func(ctx context.Context) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", mute)
		}
		settings := session.Settings{Timeouts: session.Timeouts{Connect: time.Minute, Reply: 200 * time.Millisecond}}
		client, err := Connect(t.Context(), endpoint, settings)
		if err == nil {
			client.Close()
		}
		if cause := session.CauseOf(err); cause != session.AccessRefused && cause != session.ReplyTimeout {
			t.Errorf("%v", err)
		}
	})
}

// Two proofs, as servers ask with AuthenticationMethods publickey,password.
func TestConnect_TwoProofs(t *testing.T) {
	server := &sshServer{change: func(config *ssh.ServerConfig) {
		config.PublicKeyCallback = func(ssh.ConnMetadata, ssh.PublicKey) (*ssh.Permissions, error) {
			return nil, &ssh.PartialSuccessError{Next: ssh.ServerAuthCallbacks{
				PasswordCallback: func(_ ssh.ConnMetadata, password []byte) (*ssh.Permissions, error) {
					if string(password) != "correct horse" {
						return nil, errors.New("wrong")
					}
					return nil, nil
				},
			}}
		}
	}}
	endpoint := visit(server.start(t))
	endpoint.Login = session.Login{Key: fixture(t, "openssh-ed25519"), KeyName: "k"}
	connect(t, endpoint, patient())
	endpoint.Password = ""
	refuse(t, endpoint, patient(), session.AccessRefused, "it takes password", "wants more than one proof")
}
