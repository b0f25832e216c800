package journal

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"time"
)

// spooled is how the lines of a spool go on from a record.
type spooled struct {
	// lines are those that the record doesn't hold yet, chained to its end; they end with a
	// newline.
	lines []byte
	// fits says that they stand in the spool as they are, at its end.
	fits bool
}

// follow finds what of a spool isn't on the record yet, and chains it to the record's end.
//
// Lines that are on the record already, since a run was cut off between publishing and emptying
// its spool, are left out. If others have written to the record in between, the rest is chained
// anew behind a Late entry: numbers and hashes change, and nothing else of a line does. What a
// crash left of a last line is dropped, on the record.
func follow(ctx context.Context, name string, record, spool []byte, now time.Time) (*spooled, error) {
	lines, torn := wholeLines(spool)
	out := &spooled{fits: true}
	if len(spool) == 0 {
		return out, nil
	}
	var first Entry
	if len(lines) > 0 {
		var err error
		if first, err = decode(lines[:bytes.IndexByte(lines, '\n')]); err != nil {
			return nil, &BrokenError{name, 1, err.Error()}
		}
	}
	end, known, err := recordEnd(ctx, record, first.Seq)
	if err != nil {
		return nil, err
	}
	if first.Seq > end.seq+1 {
		return nil, fmt.Errorf("%w: it has %d entries, and what is spooled in %s follows entry %d", ErrRewound, end.seq, name, first.Seq-1)
	}
	var left []Entry
	from := int64(0) // where the lines that are left begin
	own := chain{seq: first.Seq - 1, head: first.Prev}
	_, err = own.lines(ctx, name, whole(lines), func(e Entry) {
		if at := e.Seq - first.Seq; len(left) == 0 && at < uint64(len(known)) && known[at] == e.Hash {
			from = own.size
			return
		}
		left = append(left, e)
	})
	if err != nil {
		return nil, err
	}
	out.fits = from == 0
	switch {
	case len(left) == 0:
	case left[0].Seq == end.seq+1 && left[0].Prev == end.head:
		out.lines, end = lines[from:], own
	default:
		out.fits = false
		if out.lines, err = end.rechain(left, lines[from:], now); err != nil {
			return nil, err
		}
	}
	if len(torn) > 0 {
		out.fits = false
		if out.lines, err = end.add(out.lines, now, recovered(torn)); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// recordEnd verifies a record, and gives its end and the hashes of its entries from a number on.
func recordEnd(ctx context.Context, record []byte, from uint64) (end chain, known []string, err error) {
	rest, err := end.lines(ctx, "the record", whole(record), func(e Entry) {
		if from > 0 && e.Seq >= from {
			known = append(known, e.Hash)
		}
	})
	if err == nil && len(rest) > 0 {
		err = &BrokenError{"the record", int(end.seq) + 1, "its last line is cut short"}
	}
	return end, known, err
}

// wholeLines parts what a crash left of the last lines (see zeroFilled) from the lines before. The
// data are a whole file.
func wholeLines(data []byte) (lines, torn []byte) {
	end := bytes.LastIndexByte(data, '\n') + 1
	for at := 0; at < end; {
		n := at + bytes.IndexByte(data[at:], '\n') + 1
		if (n == len(data) || len(data)-at <= maxGroup) && zeroFilled(data[at:n], int64(at)) {
			end = at
		}
		at = n
	}
	return data[:end], data[end:]
}

// rechain writes entries, and the lines that they stand in, anew behind the chain, with a Late in
// front. A Late that they begin with never was on the record; the new one takes its place.
func (c *chain) rechain(entries []Entry, lines []byte, now time.Time) ([]byte, error) {
	late := Late{After: entries[0].Prev, Head: entries[len(entries)-1].Hash}
	if before, ok := entries[0].Data.(Late); ok {
		late.After = before.After
		if len(entries) == before.Entries+1 {
			late.Head = before.Head
		}
		entries, lines = entries[1:], lines[bytes.IndexByte(lines, '\n')+1:]
	}
	if late.Entries = len(entries); late.Entries == 0 {
		return nil, nil
	}
	out, err := c.add(nil, now, late)
	if err != nil {
		return nil, err
	}
	for line := range bytes.Lines(lines) {
		moved, hash, err := restamp(line, c.seq+1, c.head)
		if err != nil {
			return nil, err
		}
		c.seq, c.head = c.seq+1, hash
		out = append(out, moved...)
	}
	return out, nil
}

// add writes an entry behind the chain.
func (c *chain) add(out []byte, now time.Time, d Data) ([]byte, error) {
	line, hash, err := encode(Entry{Seq: c.seq + 1, Time: now.UTC().Round(0), Prev: c.head, Data: d})
	if err != nil {
		return nil, err
	}
	c.seq, c.head = c.seq+1, hash
	return append(out, line...), nil
}

// restamp gives a whole line another number and another predecessor, and leaves every other byte
// as it is.
func restamp(line []byte, seq uint64, prev string) (moved []byte, hash string, err error) {
	body, ok := bytes.CutPrefix(line, []byte(lineStart))
	number := bytes.Index(body, []byte(lineTime))
	// The run before it is a JSON string, in which no quote stands bare.
	chained := bytes.Index(body, []byte(linePrev))
	data := bytes.Index(body, []byte(lineData))
	seal := len(body) - sealLen - len("\n")
	if !ok || number < 0 || chained < number || data < chained || seal < data {
		return nil, "", errLine
	}
	out := make([]byte, 0, len(line)+2*hashLen)
	out = append(out, lineStart...)
	out = strconv.AppendUint(out, seq, 10)
	out = append(out, body[number:chained]...)
	out = append(out, linePrev...)
	out = append(out, prev...)
	out = append(out, body[data:seal]...)
	sum := sha256.Sum256(append(out, '}'))
	out = append(out, lineHash...)
	out = hex.AppendEncode(out, sum[:])
	hash = string(out[len(out)-hashLen:])
	return append(append(out, lineEnd...), '\n'), hash, nil
}

func recovered(torn []byte) Recovered {
	sum := sha256.Sum256(torn)
	return Recovered{Bytes: int64(len(torn)), Hash: hex.EncodeToString(sum[:])}
}
