//go:build !linux

package child

import (
	"os"
	"os/exec"
)

func bind(*exec.Cmd) {}

func kill(p *os.Process) { _ = p.Kill() }
