package sshlogin

import (
	"context"
	"errors"
	"net"
	"slices"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/sftpc/sftpc/netio/session"
)

// Probe asks a server for its host keys, one of each type that it has, and does not
// log in. What it shows is believed by nobody yet. The time-outs are those of a
// login, for each type.
func Probe(ctx context.Context, endpoint session.Endpoint, settings session.Settings) ([]ssh.PublicKey, error) {
	c, e := newConnecting(endpoint, settings)
	if e != nil {
		return nil, e
	}
	var keys []ssh.PublicKey
	var offered []string // what the server says it has, once it said so
	for _, algorithms := range probedTypes(endpoint.LegacyAlgorithms) {
		if offered != nil && !slices.ContainsFunc(algorithms, func(a string) bool { return slices.Contains(offered, a) }) {
			continue
		}
		key, negotiation, e := c.probe(ctx, algorithms)
		switch {
		case negotiation != nil && slices.Equal(negotiation.SupportedAlgorithms, algorithms):
			offered = negotiation.RequestedAlgorithms // it has no key of this type
		case e != nil:
			return nil, c.finish(e)
		default:
			keys = append(keys, key)
		}
	}
	if len(keys) == 0 {
		return nil, c.finish(fault(session.ProtocolError, errors.New("the server has no host key of a type that is used here")))
	}
	return keys, nil
}

// probedTypes are the types of host keys in the order of their worth, each with the
// algorithms that sign with them.
func probedTypes(legacy bool) [][]string {
	types := [][]string{
		{ssh.KeyAlgoED25519}, {ssh.KeyAlgoECDSA256}, {ssh.KeyAlgoECDSA384}, {ssh.KeyAlgoECDSA521},
		{ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256},
	}
	if legacy {
		types[len(types)-1] = append(types[len(types)-1], ssh.KeyAlgoRSA)
		types = append(types, []string{typeDSA})
	}
	return types
}

var errSeen = errors.New("the key was seen")

// probe makes one connection up to the moment when the host key is shown.
func (c *connecting) probe(ctx context.Context, algorithms []string) (key ssh.PublicKey, negotiation *ssh.AlgorithmNegotiationError, e *session.Error) {
	start := time.Now()
	conn, e := c.dial(ctx)
	if e != nil {
		return nil, nil, e
	}
	defer conn.Close()
	nobody := &login{c: c, ctx: ctx}
	h := newHandshake(ctx, conn, c.settings.Timeouts, start, nobody)
	defer h.end()
	all := algorithmsFor(c.endpoint.LegacyAlgorithms)
	_, _, _, err := ssh.NewClientConn(h, c.endpoint.Address, &ssh.ClientConfig{
		Config:            ssh.Config{KeyExchanges: all.KeyExchanges, Ciphers: all.Ciphers, MACs: all.MACs},
		ClientVersion:     clientVersion,
		HostKeyAlgorithms: algorithms,
		HostKeyCallback: func(_ string, _ net.Addr, shown ssh.PublicKey) error {
			key = shown
			return errSeen
		},
	})
	if key != nil {
		return key, nil, nil
	}
	errors.As(err, &negotiation)
	return nil, negotiation, c.ofHandshake(ctx, err, h, nobody)
}
