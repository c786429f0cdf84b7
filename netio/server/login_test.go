package server

import (
	"net/netip"
	"testing"
	"time"
)

func TestWrongPasswordsWaitLongerEachTime(t *testing.T) {
	var failures loginFailures
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	one, other := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
	wait := func(address netip.Addr) time.Duration { return failures.note(address, time.Second, now) }
	for i, want := range []time.Duration{1, 2, 4, 8, 16, 32, 32, 32} {
		if got := wait(one); got != want*time.Second {
			t.Errorf("wrong password %d waits %v, want %v s", i+1, got, int(want))
		}
	}
	if got := wait(other); got != time.Second {
		t.Errorf("another address waits %v", got)
	}
	failures.forget(one)
	if got := wait(one); got != time.Second {
		t.Errorf("after a good login the wait is %v", got)
	}
	wait(one)
	now = now.Add(failureMemory + time.Second)
	if got := wait(one); got != time.Second {
		t.Errorf("after a long time the wait is %v", got)
	}
	if got := failures.note(other, -1, now); got != 0 {
		t.Errorf("with no delay wanted the wait is %v", got)
	}
}

func TestRememberedAddressesAreBounded(t *testing.T) {
	var failures loginFailures
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for i := range 5 * maxRemembered {
		now = now.Add(time.Millisecond)
		failures.note(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), time.Second, now)
	}
	if n := len(failures.addresses); n > maxRemembered {
		t.Errorf("%d addresses are remembered", n)
	}
}

// HELP, FEAT and the dispatcher live off the table; a row must be whole.
func TestVerbTable(t *testing.T) {
	for name, v := range verbTable() {
		if v.run == nil {
			t.Errorf("%s does nothing", name)
		}
		if v.writes && !v.login {
			t.Errorf("%s writes without a login", name)
		}
	}
}
