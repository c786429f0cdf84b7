package relay

import (
	"bufio"
	"context"
	"io"
	"math"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/sftpc/sftpc/netio/server/door"
)

// Options say what a proxy does. The zero value connects everybody to anything.
type Options struct {
	// User and Password must be given where User is not "".
	User, Password string
	// Map says where to connect to for an address that a client asks for, and
	// whether at all; nil takes every address as it is.
	Map func(address string) (to string, allowed bool)
	// Misbehave is asked before each answer that tells a client what came of its
	// request. It may be nil.
	Misbehave func(address string) Fault
}

// Fault is how one answer goes wrong. The zero value is no fault.
type Fault struct {
	// Raw is sent instead of the answer; the connection is closed behind it, or
	// stays open without another word where Silent is set.
	Raw []byte
	// Silent sends nothing (else).
	Silent bool
	// Endless sends Raw again and again.
	Endless bool
	// Drip sends the proper answer a byte at a time.
	Drip bool
	// Join sends the proper answer in one piece with the server's first bytes.
	Join bool
}

func (f Fault) spoils() bool { return len(f.Raw) > 0 || f.Silent }

// Server is a proxy. Its methods are safe for concurrent use.
type Server struct {
	options Options
	door    *door.Door

	lock  sync.Mutex
	asked []string
}

// Listen makes a proxy that serves on address ("127.0.0.1:0" for any port) until
// ctx ends or Close is called. Close must be called in both cases.
func Listen(ctx context.Context, address string, options Options) (*Server, error) {
	s := &Server{options: options}
	s.door = door.New(math.MaxInt, s.visit)
	if err := s.door.Listen(ctx, address); err != nil {
		s.door.Close()
		return nil, err
	}
	return s, nil
}

// Addr is the address that the proxy listens on.
func (s *Server) Addr() string { return s.door.Addr() }

// Asked returns the addresses that clients asked for, in order.
func (s *Server) Asked() []string {
	s.lock.Lock()
	defer s.lock.Unlock()
	return slices.Clone(s.asked)
}

// Close ends the proxy and all connections through it, and waits for them.
func (s *Server) Close() error {
	s.door.Close()
	return nil
}

func (s *Server) visit(ctx context.Context, v door.Visit) {
	defer context.AfterFunc(ctx, func() { v.Conn.Close() })()
	s.serve(ctx, v.Conn)
}

// protocol is what one kind of proxy says: request reads what is asked for ("" is
// nothing that can be answered), answer is the reply for the outcome.
type protocol interface {
	request(s *Server, in *bufio.Reader, conn net.Conn) (address string)
	answer(of outcome) []byte
}

// outcome is what came of a request.
type outcome uint8

const (
	connected outcome = iota
	forbidden
	unreachable
)

func (s *Server) serve(ctx context.Context, conn net.Conn) {
	in := bufio.NewReader(conn)
	first, err := in.Peek(1)
	if err != nil {
		return
	}
	var speaks protocol = overHTTP{}
	if first[0] == 5 {
		speaks = overSOCKS{}
	}
	address := speaks.request(s, in, conn)
	if address == "" {
		return
	}
	s.lock.Lock()
	s.asked = append(s.asked, address)
	s.lock.Unlock()
	var fault Fault
	if s.options.Misbehave != nil {
		fault = s.options.Misbehave(address)
	}
	if fault.spoils() {
		s.spoil(conn, in, fault)
		return
	}
	to, allowed := address, true
	if s.options.Map != nil {
		to, allowed = s.options.Map(address)
	}
	if !allowed {
		conn.Write(speaks.answer(forbidden))
		return
	}
	server, err := (&net.Dialer{Timeout: 10 * time.Second}).DialContext(ctx, "tcp", to)
	if err != nil {
		conn.Write(speaks.answer(unreachable))
		return
	}
	defer server.Close()
	defer context.AfterFunc(ctx, func() { server.Close() })()
	if !send(conn, server, speaks.answer(connected), fault) {
		return
	}
	exchange(conn, in, server)
}

// send writes the proper answer in the way that the fault says.
func send(conn, server net.Conn, answer []byte, fault Fault) bool {
	if fault.Join {
		first := make([]byte, 4096)
		n, _ := server.Read(first)
		answer = append(answer, first[:n]...)
	}
	if !fault.Drip {
		_, err := conn.Write(answer)
		return err == nil
	}
	for _, b := range answer {
		if _, err := conn.Write([]byte{b}); err != nil {
			return false
		}
		time.Sleep(time.Millisecond)
	}
	return true
}

// spoil answers as the fault says and waits for the client to give up.
func (s *Server) spoil(conn net.Conn, in io.Reader, fault Fault) {
	for len(fault.Raw) > 0 {
		if _, err := conn.Write(fault.Raw); err != nil || !fault.Endless {
			break
		}
	}
	if fault.Silent {
		io.Copy(io.Discard, in)
	}
}

// exchange copies both ways. The end of one direction is handed on as such; a
// connection that broke ends both.
func exchange(conn net.Conn, in io.Reader, server net.Conn) {
	var both sync.WaitGroup
	both.Add(2)
	pass := func(to net.Conn, from io.Reader) {
		defer both.Done()
		if _, err := io.Copy(to, from); err != nil {
			to.(*net.TCPConn).SetLinger(0)
			conn.Close()
			server.Close()
			return
		}
		to.(*net.TCPConn).CloseWrite()
	}
	go pass(server, in)
	go pass(conn, server)
	both.Wait()
}
