package rewrite

import (
	"bufio"
	"context"
	"strings"
	"sync"

	"golang.org/x/crypto/ssh"

	"github.com/sftpc/sftpc/netio/server/door"
	"github.com/sftpc/sftpc/netio/server/fault"
	"github.com/sftpc/sftpc/netio/server/wire"
)

// requests are those of one channel of SFTP, and their answers.
type requests struct {
	relay *Relay
	ctx   context.Context
	pair  *pair

	lock sync.Mutex // of what goes to the client, and of due
	here ssh.Channel
	due  map[uint32]asked // requests whose answers are to be changed, by their numbers
}

// asked is a request that the server has.
type asked struct {
	verb   string
	effect fault.Effect
}

// up reads what the client asks until there is no more.
func (q *requests) up(from *bufio.Reader, there ssh.Channel) {
	defer there.CloseWrite()
	for {
		packet, err := wire.Read(from)
		if err != nil {
			return
		}
		verb, argument := wire.Describe(packet)
		e := q.relay.options.Faults.Next(verb, argument)
		if !door.Pause(q.ctx, e.Delay) {
			return
		}
		if instead, replaces := q.instead(packet, verb, e); replaces {
			q.relay.log("%s %q is answered in the server's place", verb, argument)
			if instead != nil {
				q.tell(instead)
			}
			if e.Close || e.Reset {
				q.pair.end(e.Reset)
				return
			}
			continue
		}
		if e.EndsAtOnce() {
			q.relay.log("%s %q ends the connection", verb, argument)
			q.pair.end(e.Reset)
			return
		}
		if e.Final != "" || e.NoFinal || e.Sized {
			q.lock.Lock()
			q.due[wire.ID(packet)] = asked{verb, e}
			q.lock.Unlock()
		}
		if _, err := there.Write(packet); err != nil {
			return
		}
	}
}

// instead is what stands in place of a request; nil is nothing at all.
func (q *requests) instead(packet []byte, verb string, e fault.Effect) (answer []byte, replaces bool) {
	switch {
	case e.Silence:
		return nil, true
	case e.Reply != "":
		return wire.Status(packet, e.Reply), true
	case e.Raw != "":
		return []byte(e.Raw), true
	case e.Payload != nil && verb == "READDIR":
		return wire.Names(packet, strings.Split(string(e.Payload), "\n")), true
	case e.Payload != nil && strings.HasSuffix(verb, "STAT"):
		return wire.Attributes(packet, string(e.Payload)), true
	}
	return nil, false
}

func (q *requests) tell(packet []byte) {
	q.lock.Lock()
	defer q.lock.Unlock()
	q.here.Write(packet)
}

// down reads what the server answers until there is no more.
func (q *requests) down(from *bufio.Reader) {
	defer q.here.CloseWrite()
	for {
		packet, err := wire.Read(from)
		if err != nil {
			return
		}
		q.lock.Lock()
		one, changes := q.due[wire.ID(packet)]
		delete(q.due, wire.ID(packet))
		q.lock.Unlock()
		if changes {
			q.relay.log("the answer to %s is changed", one.verb)
			switch e := one.effect; {
			case e.NoFinal:
				packet = nil
			case e.Final != "":
				packet = wire.Status(packet, e.Final)
			case e.Sized:
				packet = wire.Resize(packet, uint64(e.Size))
			}
		}
		if packet != nil {
			q.tell(packet)
		}
		if e := one.effect; changes && (e.Close || e.Reset) {
			q.pair.end(e.Reset)
			return
		}
	}
}
