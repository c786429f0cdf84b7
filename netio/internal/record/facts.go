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
	lifetime     = 30 * 24 * time.Hour
	zoneLifetime = 24 * time.Hour
)

// fact is one fact as it is written.
type fact struct {
	Name    string    `json:"name"`
	Value   string    `json:"value,omitempty"`
	Learned time.Time `json:"learned"`
}

// The names of facts. A name once used never means anything else.
const (
	factLacks    = "lacks"     // a command
	factNoEPSV   = "no-epsv"   //
	factZone     = "zone"      // seconds east of UTC
	factSetsTime = "sets-time" // one of session.TimeSetters
)

// mostFacts bounds the facts of a record, longestName a command among them.
const (
	mostFacts   = 32
	longestName = 24
	widestZone  = 15 * time.Hour
)

// fresh reports whether a fact is to be believed at that moment. One from the future
// was written by a clock that was wrong.
func (f fact) fresh(now time.Time) bool {
	age := now.Sub(f.Learned)
	if f.Name == factZone {
		return age >= 0 && age < zoneLifetime
	}
	return age >= 0 && age < lifetime
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
	}
}

func isCommand(text string) bool {
	return text != "" && len(text) <= longestName && strings.Trim(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 ") == ""
}

// String says the fact to people, as the end of "the server …".
func (f fact) String() string {
	what := map[string]string{
		factLacks: "no " + f.Value, factNoEPSV: "no EPSV", factSetsTime: f.Value + " sets times",
		factZone: "LIST is " + f.Value + " seconds ahead of UTC",
	}[f.Name]
	return fmt.Sprintf("%s (%s)", what, f.Learned.Format(time.DateOnly))
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
