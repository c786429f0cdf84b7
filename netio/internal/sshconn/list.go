package sshconn

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"

	"github.com/sftpc/sftpc/netio/internal/names"
	"github.com/sftpc/sftpc/netio/session"
)

const (
	// maxSamples bounds how many names are kept for messages.
	maxSamples = 5
	// mostEmptyAnswers is how often a server may answer READDIR with no name and no
	// end.
	mostEmptyAnswers = 100
	// pagesAhead is how many READDIRs are asked before the first is answered, so that
	// a long directory does not cost a round trip for each hundred names. firstPages is
	// the same at the beginning: most directories are one page, and then the end.
	pagesAhead = 4
	firstPages = 2
)

// listed is one name of a READDIR; the bytes are the packet's.
type listed struct {
	name, long []byte
	attributes attributes
}

// readPage reads the answer to a READDIR.
func readPage(body []byte) ([]listed, error) {
	f := fields{rest: body}
	count := f.number()
	// Each name takes twelve bytes at least.
	if f.err != nil || uint64(count) > uint64(len(f.rest))/12+1 {
		return nil, nonsense("a listing that cannot be read")
	}
	page := make([]listed, 0, count)
	for range count {
		l := listed{name: f.text(), long: f.text()}
		l.attributes = f.attributes()
		if f.err != nil {
			return nil, nonsense("a listing that cannot be read")
		}
		page = append(page, l)
	}
	return page, nil
}

// readDir asks for the next names; end reports that there are no more.
func (h handle) readDir() (page []listed, end bool, err error) {
	a, err := h.lane.request(fxReaddir, h.name)
	if err != nil {
		return nil, false, err
	}
	return a.page()
}

func (a answer) page() (page []listed, end bool, err error) {
	body, err := a.expect(fxName)
	var said status
	switch {
	case errors.As(err, &said) && said.code == 1:
		return nil, true, nil
	case err != nil:
		return nil, false, err
	}
	page, err = readPage(body)
	return page, false, err
}

// List reads a directory. Links are told as links, and where they lead is not.
func (s *Session) List(ctx context.Context, dir string) (l session.Listing, err error) {
	op := "listing " + dir
	if dir == "" {
		op = "listing the current directory"
	}
	err = s.do(ctx, op, dir, func() error {
		if badLine(dir) || len(dir) > mostName {
			return checkName(dir)
		}
		if !strings.HasPrefix(dir, "/") {
			if err := s.placed(); err != nil {
				return err
			}
		}
		path := s.absolute(dir)
		l, err = s.list(path)
		return s.investigate(err, "OPENDIR", path)
	})
	if err != nil {
		return session.Listing{}, err
	}
	return l, nil
}

func (s *Session) list(path string) (session.Listing, error) {
	s.tell("OPENDIR %s", path)
	dir, err := s.main.handle(s.exchange(fxHandle, fxOpendir, appendText(nil, path)))
	if err != nil {
		return session.Listing{}, err
	}
	c := collector{limits: s.settings.Limits, system: runtime.GOOS, listing: session.Listing{Source: "READDIR"}}
	// Answers come in the order of the questions, from one directory.
	answers := make(chan answer, pagesAhead)
	ahead := 0
	ask := func() {
		dir.lane.wire.ask(&question{done: answers}, fxReaddir, dir.name, nil)
		ahead++
	}
	var failure error
	for end, first := false, true; !end && failure == nil; first = false {
		most := pagesAhead
		if first {
			most = firstPages
		}
		for ahead < most {
			ask()
		}
		a, err := s.receive(answers)
		if ahead--; err != nil {
			failure = err
			break
		}
		var page []listed
		if page, end, failure = a.page(); failure == nil {
			failure = c.add(page)
		}
	}
	// What was asked beyond the end must be answered before anything else is.
	for ; ahead > 0; ahead-- {
		if _, err := s.receive(answers); failure == nil {
			failure = err
		}
	}
	if s.lost() == nil {
		dir.forget()
	}
	if failure != nil {
		return session.Listing{}, failure
	}
	return c.listing, nil
}

// collector makes a listing of pages, within bounds.
type collector struct {
	limits  session.Limits
	system  string // as runtime.GOOS: on which names must be safe
	listing session.Listing
	bytes   int64
	empty   int // pages in a row without a name
}

func (c *collector) add(page []listed) error {
	if len(page) == 0 {
		if c.empty++; c.empty > mostEmptyAnswers {
			return nonsense("a listing that goes on without names")
		}
		return nil
	}
	c.empty = 0
	for _, l := range page {
		c.bytes += int64(len(l.name) + len(l.long) + 16)
		switch {
		case c.bytes > c.limits.Listing:
			return tooLarge("it is longer than %d bytes", c.limits.Listing)
		case len(l.name) > c.limits.ListLine:
			return tooLarge("a name is longer than %d bytes", c.limits.ListLine)
		}
		name := string(l.name)
		if name == "." || name == ".." {
			continue
		}
		if names.SafeName(name, c.system) != nil {
			c.listing.Hostile++
			c.listing.HostileSamples = sample(c.listing.HostileSamples, name)
			continue
		}
		e, ok := l.attributes.entry(name, l.long)
		if !ok {
			c.listing.Unknown++
			c.listing.Samples = sample(c.listing.Samples, name)
			continue
		}
		if len(c.listing.Entries) >= c.limits.Names {
			return tooLarge("it has more than %d names", c.limits.Names)
		}
		c.listing.Entries = append(c.listing.Entries, e)
	}
	return nil
}

func sample(samples []string, text string) []string {
	if len(samples) >= maxSamples {
		return samples
	}
	return append(samples, text[:min(len(text), 1024)])
}

func tooLarge[N int | int64](message string, limit N) error {
	return fault(session.ProtocolError, fmt.Errorf("the listing was given up: "+message, limit))
}
