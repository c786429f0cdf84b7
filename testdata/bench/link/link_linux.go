package link

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// The addresses of the two ends, in namespaces that nobody else is in.
const (
	NearAddress = "10.99.0.1" // of the clients
	FarAddress  = "10.99.0.2" // of the servers; within their namespace it is a loopback
)

// Shape is what the line is like, in each direction.
type Shape struct {
	RTT  time.Duration
	Rate float64 // bits a second; 0 is any
}

// Link is two namespaces and the line between them. Close it.
type Link struct {
	near, far string // names of the namespaces
	devices   []*os.File
	lost      atomic.Int64
}

// Up makes both namespaces and joins them.
func Up(shape Shape) (*Link, error) {
	id := strconv.Itoa(os.Getpid())
	l := &Link{near: "sftpc-near-" + id, far: "sftpc-far-" + id}
	for _, end := range []struct{ namespace, device, address string }{
		{l.near, "scn" + id, NearAddress}, {l.far, "scf" + id, FarAddress},
	} {
		device, err := l.end(end.namespace, end.device, end.address)
		if err != nil {
			l.Close()
			return nil, err
		}
		l.devices = append(l.devices, device)
	}
	go l.carry(l.devices[0], l.devices[1], shape)
	go l.carry(l.devices[1], l.devices[0], shape)
	return l, nil
}

// end makes a namespace with an end of the line in it.
func (l *Link) end(namespace, name, address string) (*os.File, error) {
	if err := run("ip", "netns", "add", namespace); err != nil {
		return nil, err
	}
	device, err := openTun(name)
	if err != nil {
		return nil, err
	}
	// The device moves, the descriptor stays.
	for _, words := range []string{
		"link set dev " + name + " netns " + namespace + " name line0",
		"-n " + namespace + " link set lo up",
		"-n " + namespace + " link set line0 mtu 1500 txqueuelen 10000 up",
		"-n " + namespace + " addr add " + address + "/24 dev line0",
	} {
		if err := run("ip", strings.Fields(words)...); err != nil {
			device.Close()
			return nil, err
		}
	}
	return device, nil
}

// Close takes the line and the namespaces away. What still runs in them has no network
// any more.
func (l *Link) Close() {
	for _, device := range l.devices {
		device.Close()
	}
	for _, namespace := range []string{l.near, l.far} {
		_ = run("ip", "netns", "del", namespace) // it may not have come so far
	}
}

// Near is a command that runs where the clients are.
func (l *Link) Near(command ...string) []string { return in(l.near, command) }

// Far is a command that runs where the servers are.
func (l *Link) Far(command ...string) []string { return in(l.far, command) }

// Lost is how many packets a full queue has dropped.
func (l *Link) Lost() int64 { return l.lost.Load() }

func in(namespace string, command []string) []string {
	return append([]string{"nsenter", "--net=/run/netns/" + namespace}, command...)
}

func run(name string, arguments ...string) error {
	if out, err := exec.Command(name, arguments...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w: %s", name, strings.Join(arguments, " "), err, out)
	}
	return nil
}

// packet is what the kernel hands over at once, and when it is at the other end.
type packet struct {
	due  time.Time
	data []byte
}

const longestPacket = 1<<16 + headerSize

// carry brings packets from one end to the other. Each waits for those before it, as on
// a wire, and then for the length of the way. The queue before the wire holds twice what
// fits on the line, but 256 KiB at least, and drops what comes behind that.
func (l *Link) carry(from, to *os.File, shape Shape) {
	queue := make(chan packet, 1<<16)
	go deliver(to, queue)
	defer close(queue)
	oneWay := shape.RTT / 2
	room := max(256<<10, 2*shape.Rate/8*shape.RTT.Seconds())
	free := time.Now() // when the wire is free again
	buffer := make([]byte, longestPacket)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			return // closed
		}
		now := time.Now()
		if free.Before(now) {
			free = now
		}
		if shape.Rate > 0 {
			if free.Sub(now).Seconds()*shape.Rate/8 > room {
				l.lost.Add(1)
				continue
			}
			free = free.Add(time.Duration(wireBytes(buffer[:n]) * 8 / shape.Rate * float64(time.Second)))
		}
		select {
		case queue <- packet{free.Add(oneWay), append([]byte(nil), buffer[:n]...)}:
		default:
			l.lost.Add(1)
		}
	}
}

func deliver(to *os.File, queue <-chan packet) {
	for p := range queue {
		if wait := time.Until(p.due); wait > 0 {
			// The timers of Go are as fine as a millisecond, this one is twenty times finer.
			pause := syscall.NsecToTimespec(wait.Nanoseconds())
			_ = syscall.Nanosleep(&pause, nil)
		}
		if _, err := to.Write(p.data); err != nil {
			for range queue {
			}
			return
		}
	}
}

// wireBytes is what a piece of a stream takes on the wire, where it is cut into packets
// that each have headers.
func wireBytes(data []byte) float64 {
	const framing, headers = 38, 52 // of Ethernet; of IP and TCP with time stamps
	n := float64(len(data) - headerSize)
	cut := segmentSize(data)
	if cut == 0 {
		return n + framing
	}
	return n + framing + float64(int((n-headers)/float64(cut)))*(framing+headers)
}
