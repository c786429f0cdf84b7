package server

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sftpc/sftpc/netio/server/door"
)

// maxAttempts is how many wrong passwords one connection may try.
const maxAttempts = 5

// setUser answers 331 for every name, so that names cannot be tried out.
func (s *session) setUser(c *command) {
	if s.needsTLS(c) {
		return
	}
	s.loggedIn = false
	s.user = c.argument
	s.reply(c, 331, "Password required")
}

func (s *session) pass(c *command) {
	if s.user == "" || s.loggedIn {
		s.reply(c, 503, "Send USER first")
		return
	}
	if s.accepts(s.user, c.argument) {
		s.loggedIn = true
		s.server.failures.forget(s.peer)
		s.reply(c, 230, "Logged in")
		return
	}
	s.user = ""
	s.attempts++
	wait := s.server.failures.note(s.peer, s.options.LoginDelay, time.Now())
	if !door.Pause(s.ctx, wait) {
		return
	}
	if s.attempts >= maxAttempts {
		s.reply(c, 421, "Too many wrong passwords, closing")
		s.ended = true
		return
	}
	s.reply(c, 530, "Login incorrect")
}

// accepts compares digests, so that the time it takes tells nothing about the
// password, and does the same work for a name that does not exist.
func (s *session) accepts(user, password string) bool {
	if s.options.AllowAnyLogin {
		return true
	}
	want, known := s.options.Users[user]
	given, expected := sha256.Sum256([]byte(password)), sha256.Sum256([]byte(want))
	if subtle.ConstantTimeCompare(given[:], expected[:]) == 1 && known {
		return true
	}
	name := strings.ToLower(user)
	return !known && s.options.Anonymous && (name == "anonymous" || name == "ftp")
}

func (s *session) acct(c *command) {
	if !s.loggedIn {
		s.reply(c, 503, "Send USER and PASS first")
		return
	}
	s.reply(c, 202, "No account is needed")
}

func (s *session) rein(c *command) {
	s.dropData()
	s.user, s.loggedIn, s.dir = "", false, "/"
	s.ascii, s.onlyEPSV, s.facts = false, false, allFacts
	s.reply(c, 220, "Ready for a new user")
}

func (s *session) quit(c *command) {
	s.reply(c, 221, "Goodbye")
	s.ended = true
}

func (s *session) noop(c *command) { s.reply(c, 200, "Done nothing") }

func (s *session) syst(c *command) { s.reply(c, 215, "UNIX Type: L8") }

// feat lists extensions in the form of RFC 2389.
func (s *session) feat(c *command) {
	var lines []string
	for name, v := range s.server.verbs {
		if v.feature == "" || s.server.disabled[name] || s.server.disabled[v.feature] {
			continue
		}
		switch v.feature {
		case "AUTH TLS", "PBSZ", "PROT":
			if s.server.security != nil {
				lines = append(lines, v.feature)
			}
		case "MLST":
			if s.server.disabled["MLSD"] {
				continue
			}
			lines = append(lines, "MLST "+s.factList())
		case "HASH":
			lines = append(lines, "HASH "+s.hashList())
		default:
			lines = append(lines, v.feature)
		}
	}
	slices.Sort(lines)
	s.replyLines(c, 211, "Extensions supported:", lines, "End")
}

func (s *session) opts(c *command) {
	name, value, _ := strings.Cut(c.argument, " ")
	switch strings.ToUpper(name) {
	case "UTF8", "UTF-8":
		switch strings.ToUpper(strings.TrimSpace(value)) {
		case "", "ON":
			s.reply(c, 200, "Names are UTF-8")
		default:
			s.reply(c, 504, "Names are always UTF-8")
		}
	case "HASH":
		s.chooseHash(c, value)
	case "MLST":
		s.chooseFacts(value)
		s.reply(c, 200, "MLST OPTS %s", strings.ReplaceAll(s.factList(), "*", ""))
	default:
		s.reply(c, 501, "No such option")
	}
}

func (s *session) help(c *command) {
	names := make([]string, 0, len(s.server.verbs))
	for name := range s.server.verbs {
		if !s.server.disabled[name] {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	if c.argument != "" {
		name := strings.ToUpper(c.argument)
		if slices.Contains(names, name) {
			s.reply(c, 214, "%s is implemented", name)
		} else {
			s.reply(c, 502, "%s is not implemented", name)
		}
		return
	}
	var lines []string
	for row := range slices.Chunk(names, 12) {
		lines = append(lines, strings.Join(row, " "))
	}
	s.replyLines(c, 214, "Commands:", lines, "End")
}

// loginFailures remembers wrong passwords by address, so that a new connection
// does not start with a clean slate.
type loginFailures struct {
	mu        sync.Mutex
	addresses map[netip.Addr]failureCount
}

type failureCount struct {
	times int
	last  time.Time
}

const (
	failureMemory = 10 * time.Minute
	maxRemembered = 1024 // addresses; beyond it the oldest half is forgotten
	maxDoublings  = 5
)

// note counts a wrong password of the address and returns how long its reply is
// to wait.
func (f *loginFailures) note(address netip.Addr, delay time.Duration, now time.Time) time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.addresses == nil {
		f.addresses = map[netip.Addr]failureCount{}
	}
	if len(f.addresses) >= maxRemembered {
		f.forgetOldest()
	}
	count := f.addresses[address]
	if now.Sub(count.last) > failureMemory {
		count.times = 0
	}
	wait := delay << min(count.times, maxDoublings)
	count.times++
	count.last = now
	f.addresses[address] = count
	return max(wait, 0)
}

func (f *loginFailures) forget(address netip.Addr) {
	f.mu.Lock()
	delete(f.addresses, address)
	f.mu.Unlock()
}

func (f *loginFailures) forgetOldest() {
	times := make([]time.Time, 0, len(f.addresses))
	for _, count := range f.addresses {
		times = append(times, count.last)
	}
	slices.SortFunc(times, time.Time.Compare)
	middle := times[len(times)/2]
	for address, count := range f.addresses {
		if !count.last.After(middle) {
			delete(f.addresses, address)
		}
	}
}
