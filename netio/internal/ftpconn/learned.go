package ftpconn

import (
	"slices"
	"strings"

	"github.com/sftpc/sftpc/netio/session"
)

// worthKeeping are the commands of which it is remembered that a server lacks them:
// those that every session would try again. A refusal that was about a name and not
// about the command costs the others nothing.
func worthKeeping() []string {
	return []string{"MLSD", "MLST", "SIZE", "MDTM", "MFMT", "EPRT", utimeShort}
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
	if len(told) > 0 {
		s.note("remembered of this server: " + strings.Join(told, ", "))
	}
}

// featureOf is the name under which SETFEATURE knows a command.
func featureOf(command string) string {
	if command == utimeShort || command == utimeUTC {
		return "UTIME"
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

// learned is what this session believes of the server at its end.
func (s *Session) learned() session.Facts {
	facts := session.Facts{NoEPSV: s.passedEPSV, SetsTime: s.setsTime}
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
