//go:build linux || darwin || freebsd

package engines

import (
	"errors"
	"os"
	"syscall"
)

// tryLock takes the file if no process holds it. The lock ends with the process, however it ends.
func tryLock(path string) (unlock func(), free bool, err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, false, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, false, nil
		}
		return nil, false, err
	}
	return func() { f.Close() }, true, nil
}
