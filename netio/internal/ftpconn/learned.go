package ftpconn

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/sftpc/sftpc/netio/session"
)

// worthKeeping are the commands of which it is remembered that a server lacks them:
// those that every session would try again. A refusal that was about a name and not
// about the command costs the others nothing.
func worthKeeping() []string {
	return []string{"MLSD", "MLST", "SIZE", "MDTM", "MFMT", "EPRT", "SYST", utimeShort, optsUTF8}
}

// recall begins with what earlier sessions have learned of this server. It says so,
// for a fact that is no longer true looks like a defect.
func (s *Session) recall() {
	known := s.settings.Known
	var told []string
	for _, command := range worthKeeping() {
		if known.Lack(command) && s.feature(featureOf(command)) == session.FeatureAuto {
			s.unknown[command] = true
			told = append(told, "no "+command)
		}
	}
	if known.NoEPSV && s.feature("EPSV") == session.FeatureAuto {
		s.passedEPSV, s.recalledEPSV = true, true
		told = append(told, "no EPSV")
	}
	if known.HasZone && s.feature("MDTM") != session.FeatureDisabled {
		s.setZone(known.Zone)
		told = append(told, "the times of LIST are "+zoneName(known.Zone))
	}
	if slices.Contains(session.TimeSetters(), known.SetsTime) && s.mayRecallSetter(known.SetsTime) {
		s.setsTime = known.SetsTime
		told = append(told, known.SetsTime+" sets times")
	}
	if known.NoReplace && s.feature("REPLACE") == session.FeatureAuto {
		s.replacing.refused = true
		told = append(told, "no renaming onto a name that exists")
	}
	if p := s.protection; p != nil && p.data && s.feature("REUSE") == session.FeatureAuto {
		p.wants = known.Resumption
		switch known.Resumption {
		case session.ResumptionFree:
			p.lenient = true
			told = append(told, "data connections need resume no TLS session")
		case session.ResumptionControl:
			p.tickets.pin()
			told = append(told, "data connections must resume the login's own TLS session")
		}
	}
	if s.keptAlive = known.KeepAlive; s.keptAlive != session.KeepAliveUnknown && s.feature("NOOP") == session.FeatureAuto {
		told = append(told, map[bool]string{true: "NOOPs in transfers", false: "no NOOPs in transfers"}[s.keepsAlive()])
	}
	if slices.Contains(session.PathStyles(), known.Paths) {
		s.paths, s.recalledPaths = known.Paths, true
		told = append(told, "paths as on "+known.Paths)
	}
	s.notUTF8 = known.NotUTF8 && s.undecoded
	if s.notUTF8 {
		told = append(told, "names that are not UTF-8")
	}
	if len(told) > 0 {
		s.note("remembered of this server: " + strings.Join(told, ", "))
	}
}

// featureOf is the name under which SETFEATURE knows a command.
func featureOf(command string) string {
	switch command {
	case utimeShort, utimeUTC:
		return "UTIME"
	case optsUTF8:
		return "UTF8"
	}
	return command
}

// mayRecallSetter tells whether nothing that the script says goes before a setter of
// times that is remembered.
func (s *Session) mayRecallSetter(setter string) bool {
	if featureOf(setter) != setter && (s.feature("MFMT") == session.FeatureEnabled || s.feature("MDTM") == session.FeatureEnabled) {
		return false // which are tried before it
	}
	return s.feature(featureOf(setter)) == session.FeatureAuto
}

// learnFromTransfer draws conclusions from how an operation ended.
func (s *Session) learnFromTransfer(e *session.Error) {
	s.learnKeepAlive(e)
	if e == nil {
		s.learnResumption()
	}
}

// learnEncoding looks whether names are written in UTF-8, as far as they show it.
func (s *Session) learnEncoding(entries []session.Entry) {
	if !s.undecoded {
		return
	}
	for _, entry := range entries {
		if isASCII(entry.Name) {
			continue
		}
		if s.notUTF8 = !utf8.ValidString(entry.Name); s.notUTF8 {
			return
		}
	}
}

// hintAtEncoding says what may be wrong with a name that the server does not have.
func (s *Session) hintAtEncoding(e *session.Error, name string) {
	if e != nil && e.Cause == session.NoSuchRemoteFile && e.Hint == "" && s.notUTF8 && !isASCII(name) && utf8.ValidString(name) {
		e.Hint = `this server has names that are not written in UTF-8: SETENCODING("windows-1252"), or what else it writes them in`
	}
}

func isASCII(text string) bool {
	return strings.IndexFunc(text, func(c rune) bool { return c >= utf8.RuneSelf }) < 0
}

// learned is what this session believes of the server at its end.
func (s *Session) learned() session.Facts {
	facts := session.Facts{NoEPSV: s.passedEPSV, SetsTime: s.setsTime, NoReplace: s.replacing.refused, KeepAlive: s.keptAlive, Paths: s.paths, NotUTF8: s.notUTF8}
	if s.protection != nil {
		facts.Resumption = s.protection.wants
	}
	if !s.undecoded { // then this session has not seen it
		facts.NotUTF8 = s.settings.Known.NotUTF8
	}
	for _, command := range worthKeeping() {
		if s.unknown[command] {
			facts.Lacks = append(facts.Lacks, command)
		}
	}
	if s.listZone.known {
		facts.Zone, facts.HasZone = s.listZone.offset, true
	}
	return facts
}

// tellLearned hands over what was learned, once.
func (s *Session) tellLearned() {
	if s.settings.Learned != nil {
		s.settings.Learned(s.learned())
	}
}
