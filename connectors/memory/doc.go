// Package memory is the reference connector: a system kept in a map. It shows what the
// contract in connectors/connector.go asks for with nothing else in the way, and it is the
// far side of tests that need a system which does exactly what it is told, or which fails
// exactly as it is told.
//
// A System is the far side. A test seeds it, dumps it, changes it behind Accord's back, makes
// it fail, and counts what was asked of it; Type and Connector give the connector that speaks
// to it. What an action means stands in access.Edit; the system only finds the part that an
// action touches, edits it and puts it back.
//
//	far := memory.New(memory.CaseBlind(), memory.Batch(access.BatchAll))
//	far.Seed(state)
//	c, err := far.Connector("warehouse")
//	…
//	far.FailWrite(3, memory.After, nil) // the third write takes place, its reply is lost
package memory
