package connectortest

import (
	"slices"
	"strings"
)

// Fault is something that goes wrong on the far side, or on the way there. A harness offers
// what it can; HTTPProxy and TCPProxy offer most of them for any server. FaultRead is needed,
// and so are FaultLostReply and FaultDenied unless their laws are waived.
type Fault string

const (
	// FaultRead: from now on a part of what a whole Read needs can't be had: page two
	// answers 502, one query fails, the file is cut off in the middle.
	FaultRead Fault = "read"
	// FaultLostReply: the next write takes effect, but its reply doesn't arrive.
	FaultLostReply Fault = "lost-reply"
	// FaultDenied: from now on Accord's account may not write.
	FaultDenied Fault = "denied"
	// FaultHang: from now on nothing is answered.
	FaultHang Fault = "hang"
)

// What goes wrong on the way. From now on each read is answered so, the next 429 aside; with
// OnWrite the next write, and nothing else.
const (
	// FaultPageTwo: the first page of a listing comes, the others don't.
	FaultPageTwo Fault = "page-two"
	// FaultUnauthorized: 401 half-way, after the first read was answered.
	FaultUnauthorized Fault = "401-half-way"
	// FaultTooMany: 429 with a Retry-After of one second, RetryAfter; the next two reads.
	FaultTooMany Fault = "429"
	// FaultTooManyBare: 429 without Retry-After; the next two reads.
	FaultTooManyBare Fault = "429-without-retry-after"
	// FaultGateway: a gateway's 502. A write has taken effect all the same.
	FaultGateway Fault = "502"
	// FaultLoginPage: a redirect to a login page, which is 200 and HTML.
	FaultLoginPage Fault = "login-page"
	// FaultEmpty: 200, and nothing in it.
	FaultEmpty Fault = "empty-200"
	// FaultTruncated: a well-formed answer with half of its body. A write has taken effect.
	FaultTruncated Fault = "truncated"
	// FaultSlow: the answer comes, in small pieces and slowly.
	FaultSlow Fault = "slow"
	// FaultCut: the connection ends in the middle of the answer. A write has taken effect.
	FaultCut Fault = "cut"
	// FaultReset: the connection is reset instead of an answer. A write never arrived.
	FaultReset Fault = "reset"
)

const onWrite = "-on-write"

// OnWrite is the same fault, of the next write instead of each read.
func (f Fault) OnWrite() Fault { return f + onWrite }

// split tells a fault from whether it is to hit the next write.
func (f Fault) split() (Fault, bool) {
	base, write := strings.CutSuffix(string(f), onWrite)
	return Fault(base), write
}

// readFaults are those under which a Read must be all or an error. Those that are certain
// leave a part unread whatever the connector does.
func readFaults() (all, certain []Fault) {
	certain = []Fault{FaultRead, FaultPageTwo, FaultUnauthorized, FaultGateway, FaultLoginPage, FaultEmpty, FaultTruncated, FaultCut, FaultReset}
	return append(slices.Clone(certain), FaultTooMany, FaultTooManyBare, FaultSlow), certain
}

// writeFaults are those under which an Apply must not say more than it knows.
func writeFaults() []Fault {
	out := []Fault{FaultLostReply, FaultDenied}
	for _, f := range []Fault{FaultUnauthorized, FaultTooMany, FaultTooManyBare, FaultGateway, FaultLoginPage, FaultTruncated, FaultSlow, FaultCut, FaultReset} {
		out = append(out, f.OnWrite())
	}
	return out
}
