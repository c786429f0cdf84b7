package ftpconn

import (
	"crypto/tls"
	"sync"
)

// tickets holds the TLS session that data connections resume, which servers take
// for the proof that they are the control connection's. It belongs to one control
// connection and is never shared: a ticket of another login is refused.
//
// crypto/tls keeps its own cache by the server's name; here there is one server
// and the key is ignored. The newest ticket of any connection is offered, for some
// servers forget the control connection's after a few minutes.
type tickets struct {
	lock    sync.Mutex
	control *tls.ClientSessionState // the newest of the control connection
	newest  *tls.ClientSessionState // the newest of all
	pinned  bool                    // only the control connection's counts
}

// ofControl and ofData are the cache as the two kinds of connections see it.
func (t *tickets) ofControl() tls.ClientSessionCache { return ticketView{t, true} }
func (t *tickets) ofData() tls.ClientSessionCache    { return ticketView{t, false} }

// pin goes back to the control connection's ticket for good, and tells whether
// that is another one than was offered last.
func (t *tickets) pin() bool {
	t.lock.Lock()
	defer t.lock.Unlock()
	other := !t.pinned && t.control != nil && t.newest != t.control
	t.pinned = true
	return other
}

type ticketView struct {
	t         *tickets
	ofControl bool
}

// Get offers a ticket. A new control connection has none to resume.
func (v ticketView) Get(string) (*tls.ClientSessionState, bool) {
	v.t.lock.Lock()
	defer v.t.lock.Unlock()
	state := v.t.newest
	if v.t.pinned || state == nil {
		state = v.t.control
	}
	return state, state != nil && !v.ofControl
}

// Put keeps a ticket; nil takes back one that led to a failed handshake.
func (v ticketView) Put(_ string, state *tls.ClientSessionState) {
	v.t.lock.Lock()
	defer v.t.lock.Unlock()
	v.t.newest = state
	if v.ofControl && state != nil {
		v.t.control = state
	}
}
