package safety

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"os"
)

// kind says what an entry of a journal tells.
type kind string

const (
	// led: a ticket said true, asked for at Call and answered at Answered, so the unit's leadership is guaranteed until Until; and the lease was
	// checked before Return, with the term Token.
	led kind = "led"
	// stillLed: a ticket that had said true did so again, between Call and Return.
	stillLed kind = "still led"
	// notHeld: a ticket said true as for led, and then the check, which ended at Return, said that the unit does not hold the lease.
	notHeld kind = "not held"
	// tried: a write of Value that the term Token fences was sent after Call. Until is how long leadership was guaranteed then, 0 if it was not.
	tried kind = "tried"
	// landed and fenced: the write of Value had landed, or had been refused for its fence, at Return. Revision is the store's at that time.
	landed kind = "landed"
	fenced kind = "fenced"
	// read: the register had Value, as asked at Call and answered at Return.
	read kind = "read"
	// gaveUp: at Call the unit, whose tracker has stopped, was about to revoke its lease.
	gaveUp kind = "gave up"
)

// entry is one line of a journal. Times are readings of now.
type entry struct {
	Kind     kind   `json:"kind"`
	Unit     string `json:"unit,omitempty"`
	Call     int64  `json:"call,omitempty"`
	Answered int64  `json:"answered,omitempty"`
	Return   int64  `json:"return,omitempty"`
	Until    int64  `json:"until,omitempty"`
	Token    int64  `json:"token,omitempty"`
	Value    string `json:"value,omitempty"`
	Revision int64  `json:"revision,omitempty"`
}

// journal is a file of entries. An entry is there once note has returned, also if the process is killed then.
type journal struct{ file *os.File }

func openJournal(path string) (*journal, error) {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	return &journal{file}, err
}

// note may be called from any goroutine.
func (j *journal) note(e entry) {
	line, err := json.Marshal(e)
	if err == nil {
		_, err = j.file.Write(append(line, '\n'))
	}
	if err != nil {
		panic(err)
	}
}

// readJournal leaves out a last line that was cut short.
func readJournal(path string) ([]entry, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var entries []entry
	for lines := bufio.NewReader(file); ; {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return entries, nil
		}
		var e entry
		if err == nil {
			err = json.Unmarshal(line, &e)
		}
		if err != nil {
			return nil, err
		}
		entries = append(entries, e)
	}
}
