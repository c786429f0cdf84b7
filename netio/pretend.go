package netio

import (
	"time"

	"github.com/sftpc/sftpc/netio/internal/pretend"
	"github.com/sftpc/sftpc/netio/session"
)

// PretendedSession changes nothing on its server; see its methods.
type PretendedSession = pretend.Session

// PretendedServer is what a server's files would be, over several sessions.
type PretendedServer = pretend.Server

// Effect is a change that was told and not made.
type Effect = pretend.Effect

// EffectKind is what would be done.
type EffectKind = pretend.Kind

// The kinds of effects; EffectKinds counts them.
const (
	EffectUpload    = pretend.Upload
	EffectDownload  = pretend.Download
	EffectWrite     = pretend.Write
	EffectDelete    = pretend.Delete
	EffectRename    = pretend.Rename
	EffectMakeDir   = pretend.MakeDir
	EffectRemoveDir = pretend.RemoveDir
	EffectChmod     = pretend.Chmod
	EffectSend      = pretend.Send
	EffectRun       = pretend.Run
	EffectKinds     = pretend.Kinds
)

// EffectNoun names one effect of a kind.
func EffectNoun(k EffectKind) string { return k.Noun() }

// NewPretendedServer is one to which nothing has happened.
func NewPretendedServer() *PretendedServer { return pretend.NewServer() }

// Pretend puts a session over base that changes nothing: tell is told what would be
// done, and server knows it for later questions. now is the clock of what is changed.
func Pretend(base session.Session, server *PretendedServer, tell func(Effect), now func() time.Time) *PretendedSession {
	return pretend.Over(base, server, tell, now)
}
