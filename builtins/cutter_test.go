package builtins

import (
	"context"
	"io"
	"maps"
	"net"
	"sync"
	"testing"
)

// cutter stands between a script and its server, for control and for data
// connections, and does at a chosen byte what networks do. Connections on both
// sides are plain TCP, so that the client's fast paths are taken.
type cutter struct {
	t      *testing.T
	server string // the control connection's address

	lock  sync.Mutex
	moved map[flow]int64
	harm  *harm // nil: none is left to be done
	open  map[*relayed]bool
	wait  sync.WaitGroup
}

// flow is one direction of one kind of connection.
type flow struct {
	data bool
	up   bool // towards the server
}

// harm is done once, when so many bytes of a flow have passed.
type harm struct {
	flow  flow
	after int64
	data  bool // it is done to the data connections, else to the control connections
	how   string
}

// relayed is a pair of connections.
type relayed struct {
	data           bool
	client, server *net.TCPConn
	stalled        chan struct{}
	once           sync.Once
}

// between puts a cutter between the scripts of s and its server.
func (s *site) between(t *testing.T) *cutter {
	t.Helper()
	r := &cutter{t: t, server: s.address, moved: map[flow]int64{}, open: map[*relayed]bool{}}
	s.host.options.Dial = r.dial
	t.Cleanup(r.close)
	return r
}

// close ends what is open and waits for it.
func (r *cutter) close() {
	r.lock.Lock()
	for p := range r.open {
		p.end("reset")
	}
	r.lock.Unlock()
	r.wait.Wait()
}

func (r *cutter) dial(ctx context.Context, network, address string) (net.Conn, error) {
	var d net.Dialer
	there, err := d.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		there.Close()
		return nil, err
	}
	defer l.Close()
	here, err := d.DialContext(ctx, "tcp", l.Addr().String())
	if err != nil {
		there.Close()
		return nil, err
	}
	middle, err := l.Accept()
	if err != nil {
		there.Close()
		here.Close()
		return nil, err
	}
	p := &relayed{data: address != r.server, client: middle.(*net.TCPConn), server: there.(*net.TCPConn), stalled: make(chan struct{})}
	r.lock.Lock()
	r.open[p] = true
	r.lock.Unlock()
	r.wait.Add(1)
	go func() {
		defer r.wait.Done()
		var both sync.WaitGroup
		both.Add(2)
		go func() { defer both.Done(); r.pump(p, flow{p.data, true}, p.client, p.server) }()
		go func() { defer both.Done(); r.pump(p, flow{p.data, false}, p.server, p.client) }()
		both.Wait()
		r.lock.Lock()
		delete(r.open, p)
		r.lock.Unlock()
		p.client.Close()
		p.server.Close()
	}()
	return here, nil
}

// pump moves bytes one way until the end.
func (r *cutter) pump(p *relayed, f flow, from, to *net.TCPConn) {
	buffer := make([]byte, 16<<10)
	for {
		n, err := from.Read(buffer)
		for left := buffer[:n]; len(left) > 0; {
			piece, harm := r.pass(f, left)
			if len(piece) > 0 {
				if _, err := to.Write(piece); err != nil {
					// Whoever writes there is to see that it is gone.
					p.end("reset")
					return
				}
			}
			left = left[len(piece):]
			if harm != nil {
				r.do(harm)
			}
			select {
			case <-p.stalled:
				// Nothing more passes; what comes is read no more.
				io.Copy(io.Discard, from)
				return
			default:
			}
		}
		if err == io.EOF {
			to.CloseWrite()
			return
		}
		if err != nil {
			p.end("reset")
			return
		}
	}
}

// pass is how much of b may go on before harm is due.
func (r *cutter) pass(f flow, b []byte) ([]byte, *harm) {
	r.lock.Lock()
	defer r.lock.Unlock()
	if h := r.harm; h != nil && h.flow == f && r.moved[f]+int64(len(b)) >= h.after {
		b = b[:max(h.after-r.moved[f], 0)]
		r.moved[f] += int64(len(b))
		r.harm = nil
		return b, h
	}
	r.moved[f] += int64(len(b))
	return b, nil
}

func (r *cutter) do(h *harm) {
	r.lock.Lock()
	defer r.lock.Unlock()
	for p := range r.open {
		if p.data == h.data {
			p.end(h.how)
		}
	}
}

// end breaks both connections of a pair, in the way asked for.
func (p *relayed) end(how string) {
	switch how {
	case "stall":
		p.once.Do(func() { close(p.stalled) })
	case "close":
		p.client.CloseWrite()
		p.server.CloseWrite()
		p.client.CloseRead()
		p.server.CloseRead()
	default:
		p.client.SetLinger(0)
		p.server.SetLinger(0)
		p.client.Close()
		p.server.Close()
	}
}

// begin counts bytes, and does the harm, from now on.
func (r *cutter) begin(h *harm) {
	r.lock.Lock()
	defer r.lock.Unlock()
	clear(r.moved)
	r.harm = h
}

// counted is how many bytes passed.
func (r *cutter) counted() map[flow]int64 {
	r.lock.Lock()
	defer r.lock.Unlock()
	return maps.Clone(r.moved)
}

// did reports whether the harm was done.
func (r *cutter) did() bool {
	r.lock.Lock()
	defer r.lock.Unlock()
	return r.harm == nil
}
