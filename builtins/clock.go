package builtins

import (
	"fmt"
	"strings"
	"time"

	"github.com/sftpc/sftpc/vm/value"
)

// timeCommands tell the date and the time.
func timeCommands() family {
	return family{
		"GETDATE": func(s *State, a *arguments) error { return s.formatClock(a, "YYYY_MM_DD") },
		"GETTIME": func(s *State, a *arguments) error { return s.formatClock(a, "YYYY_MM_DD-hh_mm_ss") },
	}
}

// formatClock writes now, or the date text that the second argument is, as the
// first argument says. An empty format is the command's own.
func (s *State) formatClock(a *arguments, format string) error {
	if text := a.text(0); text != "" {
		format = text
	}
	when := s.now().In(s.zone())
	if a.has(1) {
		var err error
		if when, err = s.parseDate(a, 1); err != nil {
			return err
		}
	}
	a.returns(formatDate(format, when))
	return nil
}

// parseDate reads a date text: the moment as the calendar shows it, without a zone.
func (s *State) parseDate(a *arguments, place int) (time.Time, error) {
	seconds, ok := value.ParseDate(strings.TrimSpace(a.text(place)))
	if !ok {
		return time.Time{}, a.bad(place, "must be a date as YYYY_MM_DD-hh_mm_ss, not %s", quoted(a.text(place)))
	}
	// Days and seconds apart: a Duration reaches 292 years only.
	const day = 24 * 60 * 60
	midnight := time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, int(seconds/day))
	return midnight.Add(time.Duration(seconds%day) * time.Second), nil
}

// formatDate replaces YYYY YY MM DD hh mm ss in the format; everything else
// stays. Case tells months from minutes, as in the date text itself.
func formatDate(format string, t time.Time) string {
	return strings.NewReplacer(
		"YYYY", fmt.Sprintf("%04d", t.Year()),
		"YY", fmt.Sprintf("%02d", t.Year()%100),
		"MM", fmt.Sprintf("%02d", int(t.Month())),
		"DD", fmt.Sprintf("%02d", t.Day()),
		"hh", fmt.Sprintf("%02d", t.Hour()),
		"mm", fmt.Sprintf("%02d", t.Minute()),
		"ss", fmt.Sprintf("%02d", t.Second()),
	).Replace(format)
}
