// Package connectortest is the conformance suite: the laws that every connector obeys, as one
// test. A connector joins with one function:
//
//	func TestLaws(t *testing.T) {
//		connectortest.Run(t, connectortest.Harness{
//			Open: func(t testing.TB) (connectors.Connector, connectortest.System) {
//				server := startServer(t)
//				cfg := connectortest.Config(t)
//				cfg.Settings = connectors.Settings{"url": {Text: server.URL}}
//				c, err := Type().Open(cfg)
//				…
//				return c, server
//			},
//			Fault: func(t testing.TB, s connectortest.System, f connectortest.Fault) bool { … },
//		})
//	}
//
// The laws are listed in the order in which a connector is written, from "does it say what it
// is" and "can it log in" to "odd names" and "many at once"; each says what it wants and why
// in two sentences, which are printed when it is broken. Run one by its name:
//
//	go test ./connectors/NAME -run 'TestLaws/apply/lost-reply'
//
// What a connector must do follows from its description alone: the suite makes up states and
// changes for the kinds, attributes and permissions that Describe names, first fixed ones that
// touch everything, then random ones. The random ones are told by a seed that is printed;
// -seed N makes the same ones again.
//
// The far side is looked at by other means than the connector (System): one that misreads and
// miswrites alike would look perfect to itself. A law that can't hold for a system is waived
// by name with a reason; some can't be waived, and a waiver that is no longer needed fails.
//
// What goes wrong on the way is made to happen by HTTPProxy and TCPProxy, which stand between a
// connector and any server: pages that fail, replies that are lost, 429, a login page, answers
// that are cut off, slow or never come. What became of all laws against each server is kept in a
// file beside the connector (Harness.Record), from which the tables of connectors/README.md are
// made; the steps to a new connector stand there too.
//
// The suite is itself tested by connectors that are broken on purpose, one classic mistake
// each (mistakes_test.go), and by one whose HTTP client is careless (client_test.go): a new law
// comes with the broken connector that it catches.
package connectortest
