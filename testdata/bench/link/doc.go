// Package link joins two network namespaces of this machine by an emulated line: a
// round-trip time, a rate and a queue, for every port and in both directions, so that a
// client and a server meet as over a long way. It is for measuring only.
//
// It needs Linux, root, iproute2, util-linux and /dev/net/tun. Kernels without the netem
// module are the reason why it carries the packets itself. It takes them from the kernel
// in the large pieces that the kernel makes of a stream, so that one processor carries a
// gigabit a second and has time left.
package link
