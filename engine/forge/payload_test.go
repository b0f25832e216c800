package forge

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestTriggerPayload: a pipeline of the target that GitLab's webhook triggered is about the request
// that the webhook speaks of, and nothing else that triggers one can make it so.
func TestTriggerPayload(t *testing.T) {
	const head = "6dcb09b5b57875f334f61aebed695e2e4193db5e"
	request := `{"object_kind": "merge_request", "object_attributes": {"iid": 7, "target_project_id": 42, "title": "\"iid\": 8", "last_commit": {"id": "` + head + `"}}}`
	for name, tt := range map[string]struct {
		payload, source string
		want            int
		commit, err     string
	}{
		"request":          {request, "trigger", 7, head, ""},
		"another kind":     {`{"object_kind": "push", "after": "x"}`, "trigger", 0, "main", ""},
		"another project":  {strings.Replace(request, "42", "43", 1), "trigger", 0, "", "merge request 7 of project 43, and the pipeline is of project 42"},
		"no number":        {strings.Replace(request, "7", "-7", 1), "trigger", 0, "", "merge request -7"},
		"no JSON":          {"ref=main", "trigger", 0, "", "in TRIGGER_PAYLOAD: invalid character"},
		"not triggered":    {request, "push", 0, "main", ""},
		"no such file":     {"", "trigger", 0, "", "no such file"},
		"nothing was sent": {"-", "trigger", 0, "main", ""},
	} {
		file := filepath.Join(t.TempDir(), "payload")
		if tt.payload != "" {
			if err := os.WriteFile(file, []byte(tt.payload), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		env := map[string]string{"GITLAB_CI": "true", "CI_PROJECT_ID": "42", "CI_COMMIT_SHA": "main", "CI_PIPELINE_ID": "1", "CI_PIPELINE_SOURCE": tt.source, "TRIGGER_PAYLOAD": file}
		if tt.payload == "-" {
			delete(env, "TRIGGER_PAYLOAD")
		}
		got, _, err := Detect(func(key string) string { return env[key] })
		if tt.err != "" {
			if err == nil || !strings.Contains(err.Error(), tt.err) {
				t.Errorf("%s: %v, want %q", name, err, tt.err)
			}
			continue
		}
		if err != nil || got.Request != tt.want || got.Commit != tt.commit || (got.Pipeline == "") != (tt.want > 0) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}
