package statement

import (
	"bytes"
	"io"
)

// source feeds the decoder byte by byte and stops it inside a token that grows too long: the decoder itself would
// gather the whole token first.
type source struct {
	r     io.Reader
	buf   [32 << 10]byte
	next  int
	end   int
	total int64 // bytes read from r, without a byte order mark
	token int64 // where the token began
	bom   int64 // length of the byte order mark
	began bool
	err   error // what r answered, or ErrLarge
}

func (s *source) ReadByte() (byte, error) {
	if s.next == s.end && !s.fill() {
		return 0, s.err
	}
	b := s.buf[s.next]
	s.next++
	return b, nil
}

// Read is only here because the decoder asks for a reader; it takes bytes one at a time.
func (s *source) Read(p []byte) (int, error) {
	if s.next == s.end && !s.fill() {
		return 0, s.err
	}
	n := copy(p, s.buf[s.next:s.end])
	s.next += n
	return n, nil
}

func (s *source) fill() bool {
	if s.err != nil {
		return false
	}
	if s.total-s.token > maxToken {
		s.err = ErrLarge
		return false
	}
	s.next, s.end = 0, 0
	if !s.began {
		s.began = true
		return s.begin()
	}
	return s.more()
}

// more puts bytes behind those that are there, and tells whether there were any.
func (s *source) more() bool {
	for range 100 {
		n, err := s.r.Read(s.buf[s.end:])
		s.end, s.total, s.err = s.end+n, s.total+int64(n), err
		if n > 0 || err != nil {
			return n > 0
		}
	}
	s.err = io.ErrNoProgress
	return false
}

// begin looks at the first bytes for the mark that some programs put before UTF-8, and for UTF-16.
func (s *source) begin() bool {
	for s.end < 3 && s.err == nil {
		s.more()
	}
	head := s.buf[:min(s.end, 3)]
	switch {
	case bytes.Equal(head, []byte("\xef\xbb\xbf")):
		s.next, s.total, s.bom = 3, s.total-3, 3
	case bytes.HasPrefix(head, []byte("\xfe\xff")), bytes.HasPrefix(head, []byte("\xff\xfe")),
		bytes.IndexByte(head, 0) >= 0:
		s.err, s.end = ErrEncoding, 0
	}
	return s.next < s.end || s.err == nil && s.more()
}
