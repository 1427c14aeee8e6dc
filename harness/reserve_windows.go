package harness

import "syscall"

type socket = syscall.Handle

func openSocket(family int) (socket, error) {
	var data syscall.WSAData
	if err := syscall.WSAStartup(0x202, &data); err != nil {
		return syscall.InvalidHandle, err
	}
	return syscall.Socket(family, syscall.SOCK_STREAM, 0)
}

func closeSocket(s socket) { _ = syscall.Closesocket(s) }
