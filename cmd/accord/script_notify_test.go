package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"
)

// listen VAR FILE: a server that takes posts, with its address in the variable VAR. Each body
// stands in FILE, on a line of its own; while there is a file FILE.status, its number is the
// answer and nothing is taken.
func listen(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) == 2, "listen VAR FILE")
	file := ts.MkAbs(args[1])
	ts.Check(os.WriteFile(file, nil, 0o644))
	var mu sync.Mutex
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		if status, ok := os.ReadFile(file + ".status"); ok == nil {
			code, _ := strconv.Atoi(strings.TrimSpace(string(status)))
			w.WriteHeader(code)
			return
		}
		out, wrong := os.OpenFile(file, os.O_APPEND|os.O_WRONLY, 0o644)
		if err != nil || wrong != nil {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		defer out.Close()
		fmt.Fprintf(out, "%s\n", strings.TrimSpace(string(body)))
	}))
	ts.Defer(s.Close)
	ts.Setenv(args[0], s.URL+"/services/T0/B0/hunter2")
}
