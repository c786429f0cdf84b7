package link

import (
	"encoding/binary"
	"fmt"
	"os"
	"syscall"
	"unsafe"
)

// headerSize is that of struct virtio_net_hdr, which the kernel puts before each packet:
// it says how a large one is to be cut, and that its checksum is still to be made. What
// one end said of a packet holds for the other.
const headerSize = 10

// From linux/if_tun.h; package syscall does not have them.
const (
	setInterface = 0x400454ca // TUNSETIFF
	setOffload   = 0x400454d0 // TUNSETOFFLOAD

	plainPackets   = 0x0001 // IFF_TUN
	noProtocol     = 0x1000 // IFF_NO_PI
	withHeader     = 0x4000 // IFF_VNET_HDR
	largePackets   = 0x2 | 0x4
	withoutSumming = 0x1
)

// openTun makes a network device whose packets are read and written here.
func openTun(name string) (*os.File, error) {
	fd, err := syscall.Open("/dev/net/tun", syscall.O_RDWR|syscall.O_NONBLOCK|syscall.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("/dev/net/tun: %w", err)
	}
	var request [40]byte // struct ifreq
	copy(request[:syscall.IFNAMSIZ-1], name)
	binary.NativeEndian.PutUint16(request[syscall.IFNAMSIZ:], plainPackets|noProtocol|withHeader)
	_, _, failed := syscall.Syscall(syscall.SYS_IOCTL, uintptr(fd), setInterface, uintptr(unsafe.Pointer(&request)))
	if failed == 0 {
		_, _, failed = syscall.Syscall(syscall.SYS_IOCTL, uintptr(fd), setOffload, withoutSumming|largePackets)
	}
	if failed != 0 {
		syscall.Close(fd)
		return nil, fmt.Errorf("the network device %s: %w", name, failed)
	}
	return os.NewFile(uintptr(fd), name), nil
}

// segmentSize is how long the pieces are that a packet will be cut into; 0 for one that
// stays whole.
func segmentSize(data []byte) int {
	if len(data) < headerSize || data[1] == 0 {
		return 0
	}
	return int(binary.NativeEndian.Uint16(data[4:6]))
}
