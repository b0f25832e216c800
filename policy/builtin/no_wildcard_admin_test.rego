package accord.builtin.no_wildcard_admin_test

import data.accord.builtin.no_wildcard_admin as rule
import data.accord.fixture

params := {"resources": ["aws/policy/Administrator*"], "except": ["breakglass"]}

grant(change) := object.union(fixture.change, {"change": object.union(
	{
		"op": "add", "kind": "grant", "principal": "alice", "system": "aws", "permission": "admin",
		"resource": "bucket/logs", "resource_name": "logs", "admin": true,
	},
	change,
)})

denied(change) := found if {
	found := rule.deny with input as grant(change) with data.params.no_wildcard_admin as params
}

test_one_resource if count(denied({})) == 0

test_every_resource if denied({"resource": "bucket/*", "resource_name": "*"}) == {"admin on aws/bucket/* for alice administers everything of its kind"}

test_every_resource_without_power if count(denied({"resource": "bucket/*", "resource_name": "*", "admin": false})) == 0

test_every_privileged_resource if count(denied({"resource": "bucket/*", "resource_name": "*", "admin": false, "privileged": true})) == 1

test_every_permission if denied({"permission": "s3:*"}) == {"s3:* on aws/bucket/logs for alice is a permission for everything"}

test_named_resources if count(denied({"resource": "policy/AdministratorAccess", "resource_name": "AdministratorAccess"})) == 1

test_except if count(denied({"permission": "*", "principal": "breakglass"})) == 0

test_taking_away if count(denied({"permission": "*", "op": "remove"})) == 0

test_accounts_of_nobody if denied({"permission": "*", "principal": "", "account": "account/x"}) == {"* on aws/bucket/logs for account/x is a permission for everything"}
