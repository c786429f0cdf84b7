package engine

import (
	"time"

	"github.com/sftpc/sftpc/netio/session"
)

// Fact says that a local file and the server's were the same when both looked so. It
// is kept where their times cannot tell that.
type Fact struct {
	LocalSize int64
	LocalTime time.Time
	// ServerSize is -1, and ServerTime zero, where that was not seen yet: what the
	// next listing shows is taken for it.
	ServerSize int64
	ServerTime time.Time
	// Rough says how far off ServerTime may be; 0 is exact.
	Rough time.Duration
	// Unfinished says that a transfer into the target began and did not end.
	Unfinished bool
}

func (f *Fact) isLocal(e session.Entry) bool {
	return e.Size == f.LocalSize && e.Time.Equal(f.LocalTime)
}

// isServer reports whether the server still has the file. Times of listings are those
// of a wall clock: they may jump by an hour twice a year.
func (f *Fact) isServer(e session.Entry) bool {
	switch {
	case f.ServerSize >= 0 && e.Size >= 0 && e.Size != f.ServerSize:
		return false
	case f.ServerTime.IsZero() || e.Time.IsZero():
		return true
	}
	apart, rough := e.Time.Sub(f.ServerTime).Abs(), max(f.Rough, tolerance(e))
	if rough == 0 {
		return apart < time.Second
	}
	return apart <= rough || (apart-summer).Abs() <= rough
}

// complete takes up what was not seen before, and reports whether there was anything.
func (f *Fact) complete(server session.Entry) bool {
	learned := false
	if f.ServerSize < 0 && server.Size >= 0 {
		f.ServerSize, learned = server.Size, true
	}
	if f.ServerTime.IsZero() && !server.Time.IsZero() {
		f.ServerTime, f.Rough, learned = server.Time, tolerance(server), true
	}
	return learned
}
