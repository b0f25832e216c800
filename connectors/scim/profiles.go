package scim

import "slices"

// profile is what a service does differently from RFC 7644, where it doesn't announce it
// itself. The zero value is a service that keeps to the RFC.
type profile struct {
	name string
	// noGroups: there is no /Groups, or none that counts.
	noGroups bool
	// noNesting: groups have users as members only.
	noNesting bool
	// putUsers: users are changed by PUT, whatever is announced; but "active" by PATCH, if
	// patchActive is set.
	putUsers, patchActive bool
	// noPut: there is no PUT.
	noPut bool
	// noValuePath: a PATCH of a user can't pick a value by a filter in its path.
	noValuePath bool
	// activeText: active is written as the text "true" or "false".
	activeText bool
	// removeByValue: members are removed by one operation with a list of values instead of a
	// filter each. A service that doesn't know this form removes all members.
	removeByValue bool
	// addsPerPatch and removesPerPatch limit the members in one PATCH; apart: never both in one.
	addsPerPatch, removesPerPatch int
	apart                         bool
	// hiddenMembers: groups don't show their members; they are found by a filter on
	// members.value, user by user.
	hiddenMembers bool
	// pageSize is the most that a page holds.
	pageSize int
	// noCreate, noRename: users can't be created, or renamed, by SCIM.
	noCreate, noRename bool
	// deleteDisables: DELETE of a user only deactivates it. disableDeletes: active=false takes
	// the user away for good.
	deleteDisables, disableDeletes bool
	// changes are the attributes that can be changed once a user is there; nil: all.
	changes []string
	// needs are the attributes that a new user can't be without, groupNeeds those of a group.
	needs, groupNeeds []string
}

const profileStandard = "standard"

// profiles are the services that are known. Each line has its source; what has none isn't here.
func profiles() []profile {
	return []profile{
		{name: profileStandard},
		{
			// Services that were built to what Okta sends, when a custom integration is made.
			name: "okta",
			// "always sent through a PUT method request":
			// https://developer.okta.com/docs/reference/scim/scim-20/#update-a-specific-user-patch
			putUsers: true,
			// Okta deprovisions by active=false and has no use for DELETE:
			// https://developer.okta.com/docs/api/openapi/okta-scim/guides/scim-20
			deleteDisables: true,
		},
		{
			// Microsoft Entra ID's own SCIM API, https://graph.microsoft.com/rp/scim. All lines:
			// https://learn.microsoft.com/entra/identity/app-provisioning/entra-id-scim-api-reference
			name:  "entra",
			noPut: true, // GET, POST, PATCH, DELETE
			// A new user takes a password, which Accord never knows, and a mailNickname.
			noCreate: true,
			// "Group members are not returned"; GET /groups takes a filter on members.value.
			hiddenMembers: true,
			// Members are user objects; nesting isn't shown.
			noNesting: true,
			// "you can add up to only 20 members", "Only one member can be removed", and not
			// together.
			addsPerPatch: 20, removesPerPatch: 1, apart: true,
			// "only supports [type eq "work"] filter"
			noValuePath: true,
			// "The max page size is 100 entries per page."
			pageSize: 100,
		},
		{
			// Services that were built to what Entra ID sends by default, and understand
			// nothing else. All lines:
			// https://learn.microsoft.com/entra/identity/app-provisioning/application-provisioning-config-problem-scim-compatibility
			name:          "entra-client",
			activeText:    true, // "value": "False"
			removeByValue: true, // "path": "members", "value": [{"value": …}]
		},
		{
			// Slack, https://api.slack.com/scim/v2.
			name: "slack",
			// DELETE /Users/<id> "Sets a Slack user to deactivated":
			// https://docs.slack.dev/reference/scim-api
			deleteDisables: true,
		},
		{
			// GitHub Enterprise with managed users, https://api.github.com/scim/v2/enterprises/NAME.
			// All lines: https://docs.github.com/enterprise-cloud@latest/rest/enterprise-admin/scim
			name: "github",
			// "Complex SCIM path selectors that include filters are not supported."
			noValuePath: true,
			// "Memberships are referenced via a local user id."
			noNesting: true,
			// The schemas of a user and of a group require them, besides the names and active.
			needs: []string{attrExternalID, "displayName", attrEmail}, groupNeeds: []string{attrExternalID},
		},
		{
			// A GitHub organisation, https://api.github.com/scim/v2/organizations/NAME.
			// All lines: https://docs.github.com/enterprise-cloud@latest/rest/scim/scim
			name:     "github-org",
			noGroups: true, // only /Users is described
			// "Complicated SCIM path selectors that include filters are not supported."
			noValuePath: true,
			// active=false "deletes the external identity, and deletes the associated scim_user_id"
			disableDeletes: true,
			// "at least … the required values for the user: userName, name, and emails"
			needs: []string{"givenName", "familyName", attrEmail},
		},
		{
			// A group on GitLab.com, …/api/scim/v2/groups/PATH. All lines:
			// https://docs.gitlab.com/development/internal_api/#group-scim-api
			name:     "gitlab-group",
			noGroups: true, // only /Users is described
			noPut:    true, // GET, POST, PATCH, DELETE
			// "value":"true"
			activeText: true,
			// "Identity removal if active = false"
			disableDeletes: true,
			// Fields that can be updated: id/externalId and active; the others were removed.
			changes: []string{attrExternalID}, noRename: true,
			// Required parameters of POST, besides userName.
			needs: []string{attrExternalID, "givenName", "familyName", attrEmail},
		},
		{
			// A GitLab instance, …/api/scim/v2/application. All lines:
			// https://docs.gitlab.com/development/internal_api/#instance-scim-api
			name:     "gitlab",
			noGroups: true, // "provides the /application/Users and /application/Users/:id endpoints"
			noPut:    true, // GET, POST, PATCH, DELETE
			// "value":"false"
			activeText: true,
			// DELETE: "The user is placed in a blocked state"
			deleteDisables: true,
			// Fields that can be updated: id/externalId and active.
			changes: []string{attrExternalID}, noRename: true,
			// Required parameters of POST, besides userName.
			needs: []string{attrExternalID, "givenName", "familyName", attrEmail},
		},
		{
			// Zoom, https://api.zoom.us/scim2. All lines: https://developers.zoom.us/docs/api/scim2/
			name: "zoom",
			// PUT /scim2/Users/{userId} "Update a user", PATCH "Deactivate a user"; groups have
			// PATCH and no PUT.
			putUsers: true, patchActive: true,
		},
	}
}

func profileNames() []string {
	var out []string
	for _, p := range profiles() {
		out = append(out, p.name)
	}
	slices.Sort(out)
	return out
}

func profileNamed(name string) (profile, bool) {
	if name == "" {
		name = profileStandard
	}
	all := profiles()
	i := slices.IndexFunc(all, func(p profile) bool { return p.name == name })
	if i < 0 {
		return profile{}, false
	}
	return all[i], true
}
