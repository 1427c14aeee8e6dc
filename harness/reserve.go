//go:build unix || windows

package harness

import "syscall"

// boundSocket is a TCP socket that is bound but never listens: connections to it are refused.
type boundSocket struct {
	socket socket
	port   int
}

func bindSocket(host string) (*boundSocket, error) {
	family, address := syscall.AF_INET, syscall.Sockaddr(&syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}})
	if host == "::1" {
		family, address = syscall.AF_INET6, &syscall.SockaddrInet6{Addr: [16]byte{15: 1}}
	}
	opened, err := openSocket(family)
	if err != nil {
		return nil, err
	}
	s := &boundSocket{socket: opened}
	if err := syscall.Bind(s.socket, address); err != nil {
		s.close()
		return nil, err
	}
	name, err := syscall.Getsockname(s.socket)
	if err != nil {
		s.close()
		return nil, err
	}
	s.port = portOf(name)
	return s, nil
}

func (s *boundSocket) close() { closeSocket(s.socket) }

func portOf(name syscall.Sockaddr) int {
	switch a := name.(type) {
	case *syscall.SockaddrInet4:
		return a.Port
	case *syscall.SockaddrInet6:
		return a.Port
	}
	return 0
}
