package record

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sftpc/sftpc/netio/session"
)

// How long a fact is believed. A server that was mended is found out so; the zone
// changes with summer time.
const (
	lifetime         = 30 * 24 * time.Hour
	zoneLifetime     = 24 * time.Hour
	sessionsLifetime = 7 * 24 * time.Hour // others come and go
)

// fact is one fact as it is written.
type fact struct {
	Name    string    `json:"name"`
	Value   string    `json:"value,omitempty"`
	Learned time.Time `json:"learned"`
}

// The names of facts. A name once used never means anything else.
const (
	factLacks        = "lacks"         // a command
	factNoEPSV       = "no-epsv"       //
	factZone         = "zone"          // seconds east of UTC
	factSetsTime     = "sets-time"     // one of session.TimeSetters
	factNoReplace    = "no-replace"    //
	factResumption   = "resumption"    // a word of resumptions
	factKeepAlive    = "keep-alive"    // a word of keepAlives
	factPaths        = "paths"         // one of session.PathStyles
	factNotUTF8      = "not-utf8"      //
	factMostSessions = "most-sessions" // a number
)

// mostFacts bounds the facts of a record, longestName a command among them.
const (
	mostFacts    = 32
	longestName  = 24
	mostSessions = 1000
	widestZone   = 15 * time.Hour
)

// fresh reports whether a fact is to be believed at that moment. One from the future
// was written by a clock that was wrong.
func (f fact) fresh(now time.Time) bool {
	within := lifetime
	switch f.Name {
	case factZone:
		within = zoneLifetime
	case factMostSessions:
		within = sessionsLifetime
	}
	age := now.Sub(f.Learned)
	return age >= 0 && age < within
}

// add reads the fact into a value. What is not understood is left out.
func (f fact) add(to *session.Facts) {
	switch f.Name {
	case factLacks:
		if isCommand(f.Value) && !to.Lack(f.Value) {
			to.Lacks = append(to.Lacks, f.Value)
		}
	case factNoEPSV:
		to.NoEPSV = true
	case factZone:
		seconds, err := strconv.Atoi(f.Value)
		if err != nil || seconds > int(widestZone.Seconds()) || seconds < -int(widestZone.Seconds()) {
			return
		}
		to.Zone, to.HasZone = time.Duration(seconds)*time.Second, true
	case factSetsTime:
		if slices.Contains(session.TimeSetters(), f.Value) {
			to.SetsTime = f.Value
		}
	case factNoReplace:
		to.NoReplace = true
	case factResumption:
		to.Resumption = valueOf[session.Resumption](resumptions(), f.Value)
	case factKeepAlive:
		to.KeepAlive = valueOf[session.KeepAlive](keepAlives(), f.Value)
	case factPaths:
		if slices.Contains(session.PathStyles(), f.Value) {
			to.Paths = f.Value
		}
	case factNotUTF8:
		to.NotUTF8 = true
	case factMostSessions:
		if n, err := strconv.Atoi(f.Value); err == nil && n >= 1 && n <= mostSessions {
			to.MostSessions = n
		}
	}
}

// resumptions and keepAlives are the words for values, by value; the first is written
// as no fact.
func resumptions() []string { return []string{"", "free", "control"} }
func keepAlives() []string  { return []string{"", "needed", "works", "harms"} }

// valueOf is the value of a word, 0 where it is none.
func valueOf[T ~uint8](words []string, word string) T { return T(max(slices.Index(words, word), 0)) }

func isCommand(text string) bool {
	return text != "" && len(text) <= longestName && strings.Trim(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 ") == ""
}

// String says the fact to people, as the end of "the server …".
func (f fact) String() string {
	what := map[string]string{
		factLacks: "no " + f.Value, factNoEPSV: "no EPSV", factSetsTime: f.Value + " sets times",
		factZone: "LIST is " + f.zone(), factNoReplace: "no renaming onto a name that exists",
		factResumption: map[string]string{"free": "data connections need resume no TLS session", "control": "data connections must resume the login's own TLS session"}[f.Value],
		factKeepAlive:  map[string]string{"needed": "the control connection was lost in a long transfer without NOOP", "works": "NOOP in transfers works", "harms": "NOOP in transfers has cost a session"}[f.Value],
		factPaths:      "paths as on " + f.Value, factNotUTF8: "names that are not UTF-8",
		factMostSessions: "no more than " + f.Value + " sessions at a time",
	}[f.Name]
	return fmt.Sprintf("%s (%s)", what, f.Learned.Format(time.DateOnly))
}

// zone is a difference as people write it.
func (f fact) zone() string {
	seconds, _ := strconv.Atoi(f.Value)
	sign, minutes := '+', seconds/60
	if minutes < 0 {
		sign, minutes = '-', -minutes
	}
	return fmt.Sprintf("UTC%c%02d:%02d", sign, minutes/60, minutes%60)
}

// factsOf writes a value as facts learned now.
func factsOf(known session.Facts, now time.Time) []fact {
	var all []fact
	add := func(name, value string) { all = append(all, fact{name, value, now}) }
	for _, command := range slices.Sorted(slices.Values(known.Lacks)) {
		if isCommand(command) {
			add(factLacks, command)
		}
	}
	if known.NoEPSV {
		add(factNoEPSV, "")
	}
	if known.HasZone {
		add(factZone, strconv.Itoa(int(known.Zone.Seconds())))
	}
	if known.SetsTime != "" {
		add(factSetsTime, known.SetsTime)
	}
	if known.NoReplace {
		add(factNoReplace, "")
	}
	if known.Resumption != session.ResumptionUnknown {
		add(factResumption, resumptions()[known.Resumption])
	}
	if known.KeepAlive != session.KeepAliveUnknown {
		add(factKeepAlive, keepAlives()[known.KeepAlive])
	}
	if known.Paths != "" {
		add(factPaths, known.Paths)
	}
	if known.NotUTF8 {
		add(factNotUTF8, "")
	}
	if known.MostSessions > 0 {
		add(factMostSessions, strconv.Itoa(known.MostSessions))
	}
	return all[:min(len(all), mostFacts)]
}

// keepAges gives facts that were known already the day on which they were learned: a
// fact is not tried again while it is believed, so it must not become younger by use.
func keepAges(facts, before []fact, now time.Time) {
	for i, f := range facts {
		at := slices.IndexFunc(before, func(b fact) bool { return b.Name == f.Name && b.Value == f.Value && b.fresh(now) })
		if at >= 0 {
			facts[i].Learned = before[at].Learned
		}
	}
}
