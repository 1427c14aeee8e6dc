package harness

import "syscall"

// boundSocket is a TCP socket that is bound but never listens: connections to it are refused.
type boundSocket struct {
	fd   syscall.Handle
	port int
}

func bindSocket(host string) (*boundSocket, error) {
	var data syscall.WSAData
	if err := syscall.WSAStartup(0x202, &data); err != nil {
		return nil, err
	}
	family, address := syscall.AF_INET, syscall.Sockaddr(&syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}})
	if host == "::1" {
		family, address = syscall.AF_INET6, &syscall.SockaddrInet6{Addr: [16]byte{15: 1}}
	}
	fd, err := syscall.Socket(family, syscall.SOCK_STREAM, 0)
	if err != nil {
		return nil, err
	}
	s := &boundSocket{fd: fd}
	if err := syscall.Bind(fd, address); err != nil {
		s.close()
		return nil, err
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		s.close()
		return nil, err
	}
	s.port = portOf(name)
	return s, nil
}

func (s *boundSocket) close() { _ = syscall.Closesocket(s.fd) }

func portOf(name syscall.Sockaddr) int {
	switch a := name.(type) {
	case *syscall.SockaddrInet4:
		return a.Port
	case *syscall.SockaddrInet6:
		return a.Port
	}
	return 0
}
