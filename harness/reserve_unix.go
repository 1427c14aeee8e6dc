//go:build unix

package harness

import "syscall"

type socket = int

func openSocket(family int) (socket, error) {
	syscall.ForkLock.RLock() // no child may inherit it
	defer syscall.ForkLock.RUnlock()
	s, err := syscall.Socket(family, syscall.SOCK_STREAM, 0)
	if err == nil {
		syscall.CloseOnExec(s)
	}
	return s, err
}

func closeSocket(s socket) { _ = syscall.Close(s) }
