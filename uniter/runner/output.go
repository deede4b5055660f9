package runner

import (
	"bytes"
	"errors"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// maxLine is the length of the longest line that is handed on in one piece.
const maxLine = 4096

// stdio is what a process reads and writes: nothing, and what the two pipes
// hand on line by line.
type stdio struct {
	null           *os.File // the process's standard input, and its outputs if nobody wants them
	stdout, stderr pipe

	mu      sync.Mutex // held during a call of emit, so that calls come one at a time
	emit    func(Stream, []byte)
	readers sync.WaitGroup
}

// pipe is one output's way from the process to us. It is empty if nobody wants
// the output.
type pipe struct {
	reader, writer *os.File
}

// newStdio opens what a process needs. The caller must close it.
func newStdio(emit func(Stream, []byte)) (*stdio, error) {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	s := &stdio{null: null, emit: emit}
	if emit == nil {
		return s, nil
	}
	for _, p := range []*pipe{&s.stdout, &s.stderr} {
		if err := p.open(); err != nil {
			s.close()
			return nil, err
		}
	}
	return s, nil
}

// open makes the pipe. The process's end blocks, as a program expects of its
// output; ours does not, so that a read can be given a deadline.
func (p *pipe) open() error {
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_CLOEXEC); err != nil {
		return os.NewSyscallError("pipe2", err)
	}
	if err := unix.SetNonblock(fds[0], true); err != nil {
		_, _ = unix.Close(fds[0]), unix.Close(fds[1])
		return os.NewSyscallError("fcntl", err)
	}
	p.reader, p.writer = os.NewFile(uintptr(fds[0]), "|0"), os.NewFile(uintptr(fds[1]), "|1")
	return nil
}

// files returns what the process gets as its descriptors 0, 1 and 2.
func (s *stdio) files() []uintptr {
	if s.emit == nil {
		null := s.null.Fd()
		return []uintptr{null, null, null}
	}
	return []uintptr{s.null.Fd(), s.stdout.writer.Fd(), s.stderr.writer.Fd()}
}

// read begins to hand lines on. It gives up the process's ends of the pipes, so
// it must be called once the process has been started.
func (s *stdio) read() {
	if s.emit == nil {
		return
	}
	_, _ = s.stdout.writer.Close(), s.stderr.writer.Close()
	s.readers.Go(func() { s.readLines(Stdout, s.stdout.reader) })
	s.readers.Go(func() { s.readLines(Stderr, s.stderr.reader) })
}

// finish waits until both outputs have ended, or for the given time. No line is
// handed on after it has returned.
func (s *stdio) finish(wait time.Duration) {
	if s.emit == nil {
		return
	}
	deadline := time.Now().Add(wait)
	_, _ = s.stdout.reader.SetReadDeadline(deadline), s.stderr.reader.SetReadDeadline(deadline)
	s.readers.Wait()
}

// close gives up whatever is still open.
func (s *stdio) close() {
	for _, f := range []*os.File{s.null, s.stdout.reader, s.stdout.writer, s.stderr.reader, s.stderr.writer} {
		if f != nil {
			_ = f.Close()
		}
	}
}

// lineBuffers has room for the longest line and its newline.
var lineBuffers = sync.Pool{New: func() any { return new([maxLine + 1]byte) }}

// readLines hands the lines of one output on until it ends or its deadline
// passes.
func (s *stdio) readLines(stream Stream, r *os.File) {
	array := lineBuffers.Get().(*[maxLine + 1]byte)
	defer lineBuffers.Put(array)
	buffer, held := array[:], 0
	for {
		n, err := r.Read(buffer[held:])
		held = s.emitLines(stream, buffer, held, held+n)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			held = s.drain(stream, r, buffer, held)
		}
		if err != nil {
			break
		}
	}
	if held > 0 {
		s.emitLine(stream, buffer[:held])
	}
}

// maxDrain is as much as a pipe holds.
const maxDrain = 64 << 10

// drain hands on what is in the pipe already, and waits for no more. The hook's
// own last words are there when it has exited, but on a busy machine we may not
// have got round to them before the deadline; a child that goes on talking is
// not listened to for ever.
func (s *stdio) drain(stream Stream, r *os.File, buffer []byte, held int) int {
	conn, err := r.SyscallConn()
	if err != nil || r.SetReadDeadline(time.Time{}) != nil {
		return held
	}
	for total := 0; total < maxDrain; {
		n := 0
		err := conn.Read(func(fd uintptr) (done bool) {
			n, err = unix.Read(int(fd), buffer[held:])
			return true // whatever came of it
		})
		if err != nil || n <= 0 {
			break
		}
		held = s.emitLines(stream, buffer, held, held+n)
		total += n
	}
	return held
}

// emitLines hands on the lines in buffer[:held], of which buffer[:searched] is
// known to have no newline, moves the beginning of the next line to the front
// of the buffer and returns its length, which leaves room in the buffer.
func (s *stdio) emitLines(stream Stream, buffer []byte, searched, held int) int {
	begin := 0
	for {
		end := bytes.IndexByte(buffer[searched:held], '\n')
		if end < 0 {
			break
		}
		s.emitLine(stream, buffer[begin:searched+end])
		begin = searched + end + 1
		searched = begin
	}
	if begin == 0 && held == len(buffer) {
		s.emitLine(stream, buffer[:maxLine])
		begin = maxLine
	}
	return copy(buffer, buffer[begin:held])
}

func (s *stdio) emitLine(stream Stream, line []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.emit(stream, line)
}
