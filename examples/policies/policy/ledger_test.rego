package accord_test

import data.accord
import data.accord.fixture

# A whole input in which everything is empty, but for what a test is about.
ledger(permission, department) := object.union(fixture.change, {
	"change": {"op": "add", "principal": "ben", "resource": "folder/ledger", "permission": permission},
	"subject": {"id": "ben", "attributes": {"department": [department]}},
})

test_engineers_read if count(accord.deny_ledger) == 0 with input as ledger("read", "engineering")

test_engineers_do_not_write if {
	"ben would get write on folder/ledger and isn't in finance" in accord.deny_ledger with input as ledger("write", "engineering")
}

test_finance_writes if count(accord.deny_ledger) == 0 with input as ledger("write", "finance")
