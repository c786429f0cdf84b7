package builtins

import (
	"strconv"

	"github.com/sftpc/sftpc/builtins/catalog"
	"github.com/sftpc/sftpc/netio/session"
)

// errorCommands tell a script what went wrong.
func errorCommands() family {
	return family{
		"GETERROR": (*State).getError,
		"GETREPLY": (*State).getReply,
	}
}

// getError tells of the newest failure, also after commands that succeeded since:
// a script may tidy up before it looks. Before any failure the sentence is empty,
// code and name are OK and the class is none.
func (s *State) getError(a *arguments) error {
	f := s.lastFailure
	field := ""
	if a.key() == "field" {
		field = a.constant(0)
	}
	switch {
	case f == nil && field == "CLASS":
		a.returns(session.ClassNone.String())
	case f == nil && field != "":
		a.returns(catalog.OK)
	case f == nil:
		a.returns("")
	case field == "CODE":
		a.returns(f.Result.Text())
	case field == "NAME":
		a.returns(f.Result.Name)
	case field == "CLASS":
		a.returns(f.Result.Class)
	default:
		a.returns(f.Error())
	}
	return nil
}

// getReply is the newest reply of the connection, or of the one before when there
// is none, with its code; further lines follow after LF. It is empty before any.
func (s *State) getReply(a *arguments) error {
	reply := s.lastReply
	if s.session != nil {
		reply = s.session.LastReply()
	}
	if reply.Code == 0 {
		a.returns(reply.Text)
		return nil
	}
	a.returns(strconv.Itoa(reply.Code) + " " + reply.Text)
	return nil
}
