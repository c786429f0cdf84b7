package doctor

import (
	"context"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/sftpc/sftpc/netio/session"
)

// server asks who is there and what it offers.
func (p *patient) server(ctx context.Context) {
	if p.endpoint.Protocol == session.SFTP {
		// What the server bounds is known when it has answered something.
		limited, stop := p.step(ctx)
		_, err := p.session.CurrentDir(limited)
		stop()
		p.dropIfLost(ctx, err)
	}
	if p.session == nil {
		return
	}
	caps := p.session.Caps()
	first, _, _ := strings.Cut(caps.Greeting, "\n")
	detail := first
	if caps.RawCommands {
		limited, stop := p.step(ctx)
		began := time.Now()
		reply, err := p.session.Raw(limited, "SYST")
		took := time.Since(began).Round(100 * time.Microsecond)
		stop()
		switch {
		case err != nil:
			p.dropIfLost(ctx, err)
		case reply.Code == 215:
			detail = fmt.Sprintf("%s, %s, answers within %s", first, reply.Text, took)
		default:
			detail = fmt.Sprintf("%s, answers within %s", first, took)
		}
	}
	p.add(Finding{ID: "host.server", State: Note, Detail: detail})
	p.encryption(caps)
	p.offers(caps)
	p.limits(caps)
	p.remembered()
}

// encryption says whether anything protects what is sent.
func (p *patient) encryption(caps session.Caps) {
	if p.endpoint.Protocol != session.FTP {
		return // host.trust tells more
	}
	f := Finding{ID: "host.encryption", State: Note, Detail: "none: names, passwords and files can be read on their way"}
	if strings.Contains(strings.ToUpper(caps.Features["AUTH"]), "TLS") {
		f.Hint = "the server offers TLS: SETPROTOCOL(FTPS) encrypts"
	}
	p.add(f)
}

// limits tells the bounds that a server of SFTP names.
func (p *patient) limits(caps session.Caps) {
	if p.endpoint.Protocol != session.SFTP {
		return
	}
	most := caps.Packets
	if most == (session.PacketLimits{}) {
		p.add(Finding{ID: "host.limits", State: Note, Detail: "the server names none"})
		return
	}
	bound := func(n uint64, unit string) string {
		if n == 0 {
			return "not said"
		}
		return fmt.Sprintf("%d %s", n, unit)
	}
	p.add(Finding{ID: "host.limits", State: Note, Detail: fmt.Sprintf("packet %s, read %s, write %s, handles %s",
		bound(most.Packet, "bytes"), bound(most.Read, "bytes"), bound(most.Write, "bytes"), bound(most.Handles, "at a time"))})
}

// remembered tells what runs with this account will begin with.
func (p *patient) remembered() {
	if p.options.Records == nil {
		return
	}
	if facts := p.options.Records.Describe(p.endpoint); len(facts) > 0 {
		p.add(Finding{ID: "host.remembered", State: Note, Detail: strings.Join(facts, "; ")})
	}
}

// mostFeatures bounds how many features are told.
const mostFeatures = 60

// offers lists what FEAT said.
func (p *patient) offers(caps session.Caps) {
	names := slices.Sorted(maps.Keys(caps.Features))
	if len(names) == 0 {
		p.add(Finding{ID: "host.features", State: Note, Detail: "the server names none"})
		return
	}
	if len(names) > mostFeatures {
		names = append(names[:mostFeatures:mostFeatures], "…")
	}
	p.add(Finding{ID: "host.features", State: Note, Detail: strings.Join(names, " ")})
}

// listings looks at how files are listed and dated.
func (p *patient) listings(ctx context.Context) {
	seen := p.seen.listing
	if seen == nil && p.session != nil && !p.session.Caps().DataConnections {
		p.tell("a listing")
		a := p.try(ctx, session.DataMode{}, nil)
		if a.err != nil {
			p.add(failed("list.mlsd", true, a.err))
			return
		}
		p.add(Finding{ID: "list.mlsd", State: Works, Detail: fmt.Sprintf("%d names, with times in UTC", len(a.listing.Entries))})
		seen = &a.listing
		p.seen.listing = seen
	}
	if seen == nil {
		return
	}
	if p.session != nil && p.session.Caps().DataConnections {
		p.exactness(ctx, *seen)
	}
	if seen.Unknown > 0 {
		p.add(Finding{ID: "list.unknown", State: Fails, Matters: true,
			Detail: fmt.Sprintf("%d lines were not understood, as in %q", seen.Unknown, strings.Join(seen.Samples, `", "`)),
			Hint:   "files on such lines are left out of transfers, and nothing is deleted on the strength of such a listing; please report the line"})
	}
	if seen.Hostile > 0 {
		p.add(Finding{ID: "list.unknown", State: Fails, Matters: true,
			Detail: fmt.Sprintf("%d names are left out because they are no safe file names, as in %q", seen.Hostile, strings.Join(seen.HostileSamples, `", "`))})
	}
	p.clock(*seen)
}

// exactness tells MLSD from LIST, and in which zone LIST tells its times.
func (p *patient) exactness(ctx context.Context, seen session.Listing) {
	if seen.Source != "MLSD" {
		f := Finding{ID: "list.mlsd", State: Fails, Detail: "the server has no MLSD: names, sizes and times are read from LIST, which is made for people"}
		p.add(f)
		p.zoneByName(ctx, seen)
		return
	}
	p.add(Finding{ID: "list.mlsd", State: Works, Detail: "by MLSD, with times in UTC"})
	p.tell("times in LIST")
	a := p.try(ctx, p.workingMode(), p.workingFeatures(map[string]session.Feature{"MLSD": session.FeatureDisabled}))
	if a.err != nil || a.listing.Source != "LIST" {
		return
	}
	exact := map[string]time.Time{}
	for _, e := range seen.Entries {
		if e.Exact {
			exact[e.Name] = e.Time
		}
	}
	p.zone(a.listing, func(name string) (time.Time, bool) {
		t, ok := exact[name]
		return t, ok
	})
}

// mostStats bounds how many files are asked about one by one.
const mostStats = 3

// zoneByName is for servers that tell exact times of single files only.
func (p *patient) zoneByName(ctx context.Context, seen session.Listing) {
	if p.session == nil || !p.session.Caps().ExactTimes {
		return
	}
	asked := 0
	p.zone(seen, func(name string) (time.Time, bool) {
		if asked++; asked > mostStats || p.session == nil {
			return time.Time{}, false
		}
		limited, stop := p.step(ctx)
		defer stop()
		entry, err := p.session.Stat(limited, name)
		if err != nil {
			p.dropIfLost(ctx, err)
			return time.Time{}, false
		}
		return entry.Time, entry.Exact
	})
}

// zone compares the times of LIST, taken for UTC, with exact ones. A zone's
// difference is a whole number of quarters of an hour, and the same for all.
func (p *patient) zone(list session.Listing, exactOf func(name string) (time.Time, bool)) {
	const quarter = 15 * time.Minute
	votes := map[time.Duration]int{}
	for _, e := range list.Entries {
		if e.Kind != session.KindFile || e.Time.IsZero() || e.Exact || e.Time.Hour() == 0 && e.Time.Minute() == 0 {
			continue // a time of midnight may be a date without a time
		}
		exact, ok := exactOf(e.Name)
		if !ok {
			continue
		}
		if difference := e.Time.Sub(exact); difference.Abs() < 15*time.Hour && (difference-difference.Round(quarter)).Abs() <= time.Minute {
			votes[difference.Round(quarter)]++
		}
	}
	best := time.Duration(0)
	for difference, n := range votes {
		if n > votes[best] || n == votes[best] && difference < best {
			best = difference
		}
	}
	switch {
	case len(votes) == 0:
		return
	case best == 0:
		p.add(Finding{ID: "time.zone", State: Works, Detail: "LIST tells them in UTC"})
	default:
		p.add(Finding{ID: "time.zone", State: Note, Detail: fmt.Sprintf("LIST tells them %s off UTC", signed(best))})
	}
}

// signed writes a difference as in +2h and -3h30m.
func signed(d time.Duration) string {
	text := strings.TrimSuffix(strings.TrimSuffix(d.String(), "0s"), "0m")
	if d > 0 {
		return "+" + text
	}
	return text
}

// clock holds the newest exact time against this machine's clock. Nothing may be
// uploaded, so only a file from the future says something for certain.
func (p *patient) clock(seen session.Listing) {
	var newest time.Time
	for _, e := range seen.Entries {
		if e.Exact && e.Time.After(newest) {
			newest = e.Time
		}
	}
	if newest.IsZero() {
		return
	}
	ahead := newest.Sub(p.options.Now())
	if ahead > time.Minute {
		p.add(Finding{ID: "time.clock", State: Fails, Matters: true,
			Detail: fmt.Sprintf("the newest file is dated %s ahead of this machine's clock", ahead.Round(time.Second)),
			Hint:   "one of the two clocks is wrong, or somebody set that file's time; what goes by times (newer, older) is misled"})
		return
	}
	p.add(Finding{ID: "time.clock", State: Works, Detail: fmt.Sprintf("no file is from the future; the newest is %s old", (-ahead).Round(time.Second))})
}

// largestHashed bounds what the server is asked to read for a try.
const largestHashed = 16 << 20

// hashes asks for the hash of one small file.
func (p *patient) hashes(ctx context.Context) {
	hasher, ok := p.session.(session.Hasher)
	if !ok || p.seen.listing == nil {
		return
	}
	for _, e := range p.seen.listing.Entries {
		if e.Kind != session.KindFile || e.Size < 0 || e.Size > largestHashed {
			continue
		}
		p.tell("hashes")
		limited, stop := p.step(ctx)
		defer stop()
		algorithm, sum, err := hasher.Hash(limited, e.Name, []string{"SHA256", "SHA1", "MD5", "CRC32"})
		if err != nil {
			f := failed("file.hash", false, err)
			f.Hint = ""
			p.add(f)
			p.dropIfLost(ctx, err)
			return
		}
		p.add(Finding{ID: "file.hash", State: Works, Detail: fmt.Sprintf("%s of %s is %s", algorithm, e.Name, hex.EncodeToString(sum))})
		return
	}
}

// connections logs in several times over, until the server refuses or enough is
// known.
func (p *patient) connections(ctx context.Context) {
	if p.options.Connections < 2 || p.open(ctx) != nil {
		return
	}
	p.tell("connections at a time")
	var more []session.Session
	defer func() {
		for _, s := range more {
			s.Close(ctx)
		}
	}()
	for n := 2; n <= p.options.Connections; n++ {
		s, err := p.dial(ctx, nil)
		if err != nil {
			if session.CauseOf(err) == session.TooManyConnections && p.options.Records != nil {
				// It saves the runs that open several the same refusal.
				if err := p.options.Records.KeepMostSessions(p.endpoint, n-1); err != nil {
					p.tell("what was learned is not kept: %v", err)
				}
			}
			f := failed("host.connections", false, err)
			f.Detail = fmt.Sprintf("%d; one more is refused: %s", n-1, f.Detail)
			p.add(f)
			return
		}
		more = append(more, s)
	}
	p.add(Finding{ID: "host.connections", State: Works, Detail: fmt.Sprintf("%d; no more were tried", p.options.Connections)})
}

// workingMode is a mode that made a data connection before.
func (p *patient) workingMode() session.DataMode {
	mode := p.options.Mode
	mode.Active = !p.seen.worked["EPSV"] && !p.seen.worked["PASV"]
	return mode
}

// workingFeatures adds to features what workingMode needs.
func (p *patient) workingFeatures(features map[string]session.Feature) map[string]session.Feature {
	switch {
	case p.seen.worked["EPSV"]:
	case p.seen.worked["PASV"]:
		features["EPSV"] = session.FeatureDisabled
	case p.seen.worked["EPRT"] && !p.seen.worked["PORT"]:
		features["EPRT"] = session.FeatureEnabled
	}
	return features
}
