package main

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/natsroute/natsroute/harness"
	"github.com/natsroute/natsroute/spec/report"
)

func TestMonitorURL(t *testing.T) {
	for text, want := range map[string]string{
		"":                          "",
		"a":                         "http://a:8222",
		"a:1":                       "http://a:1",
		"::1":                       "http://[::1]:8222",
		"[::1]:1":                   "http://[::1]:1",
		"https://u:p@a/base":        "https://u:p@a:8222/base",
		"ftp://u:t0psecret@a":       "error",
		"http://u:t0psecret@":       "error",
		"http://u:t0psecret@a/?x=y": "error",
		"http://a:nan":              "error",
	} {
		got, err := monitorURL(text)
		if err != nil {
			got = "error"
			if strings.Contains(err.Error(), "t0psecret") {
				t.Errorf("%q: the error tells the password: %v", text, err)
			}
		}
		if got != want {
			t.Errorf("%q: got %s, want %s", text, got, want)
		}
	}
}

// pages answers with these bodies, by path.
func pages(t *testing.T, bodies map[string]string) string {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, known := bodies[r.URL.Path]
		if !known {
			http.NotFound(w, r)
			return
		}
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(srv.Close)
	return srv.URL
}

func TestAskMonitor(t *testing.T) {
	good := map[string]string{"/varz": `{"version":"2.15.2","uptime":"1m3s"}`, "/routez": `{"num_routes":4,"routes":[]}`}
	for _, tt := range []struct {
		name   string
		bodies map[string]string
		base   string
		want   string // the answer, or a part of one that ends in …
	}{
		{"answers", good, "", "monitor: version 2.15.2, up 1m3s, 4 routes"},
		{"under a path", map[string]string{"/nats/varz": good["/varz"], "/nats/routez": `{"num_routes":1}`}, "/nats", "monitor: version 2.15.2, up 1m3s, 1 route"},
		{"no routes", map[string]string{"/varz": good["/varz"], "/routez": `{"num_routes":0}`}, "", "monitor: version 2.15.2, up 1m3s, 0 routes"},
		{"another server", nil, "", "monitor: no answer from /varz: HTTP status 404…"},
		{"no routez", map[string]string{"/varz": good["/varz"]}, "", "monitor: no answer from /routez: HTTP status 404…"},
		{"text", map[string]string{"/varz": "hello"}, "", "monitor: no answer from /varz: it is not JSON…"},
		{"other JSON", map[string]string{"/varz": "{}", "/routez": "{}"}, "", "monitor: what answers is no monitoring port…"},
		{"without end", map[string]string{"/varz": `{"version":"` + strings.Repeat("x", 2*monitorPage)}, "", "monitor: no answer from /varz: it is not JSON of at most…"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := askMonitor(context.Background(), pages(t, tt.bodies)+tt.base)
			if start, open := strings.CutSuffix(tt.want, "…"); got != tt.want && !(open && strings.HasPrefix(got, start)) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// The port is the target's: where it points is not followed.
func TestAskMonitorFollowsNobody(t *testing.T) {
	elsewhere := pages(t, map[string]string{"/varz": `{"version":"2.15.2","uptime":"1m3s"}`, "/routez": `{"num_routes":4}`})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, elsewhere+r.URL.Path, http.StatusFound)
	}))
	defer srv.Close()
	if got := askMonitor(context.Background(), srv.URL); got != "monitor: no answer from /varz: HTTP status 302 Found" {
		t.Errorf("got %q", got)
	}
}

// A port that answers nothing costs the time it is given and no more, and its password is not told.
func TestAskMonitorIsBounded(t *testing.T) {
	hold := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-hold }))
	defer srv.Close()
	defer close(hold)
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	got := askMonitor(ctx, strings.Replace(srv.URL, "http://", "http://u:t0psecret@", 1))
	if !strings.Contains(got, "deadline exceeded") || strings.Contains(got, "t0psecret") {
		t.Errorf("got %q", got)
	}
}

// What a monitoring port says, or that it says nothing, is told and changes no verdict.
func TestMonitorIsARemark(t *testing.T) {
	target, err := harness.InProcess("")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = target.Close() })
	up := pages(t, map[string]string{"/varz": `{"version":"2.15.2\u001b[2J","uptime":"1m3s"}`, "/routez": `{"num_routes":0}`})
	down := httptest.NewServer(http.NotFoundHandler())
	down.Close()
	for _, tt := range []struct {
		name, fault, monitor string
		exit                 int
		want                 string
	}{
		{"none", "none", "", report.ExitOK, ""},
		{"kept report", "none", up, report.ExitOK, "monitor: version 2.15.2\x1b[2J, up 1m3s, 0 routes"},
		{"no answer", "none", down.URL, report.ExitOK, "monitor: no answer from /varz: "},
		{"failed run", "ping-unanswered", up, report.ExitFails, "monitor: version 2.15.2"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			args := []string{"-s", target.Route, "--fault", tt.fault, "--client", target.Client, "--only", "RT-KA-001"}
			if tt.monitor != "" {
				args = append(args, "--monitor", tt.monitor)
			}
			got := certify(t, nil, args...)
			told := strings.Join(got.report.Warnings, "\n")
			if got.exit != tt.exit || !strings.HasPrefix(told, tt.want) || tt.want == "" && told != "" {
				t.Errorf("exit %d, warnings %q; want %d, %q\n%s", got.exit, told, tt.exit, tt.want, got.text)
			}
			if strings.Contains(got.text, "\nmonitor: ") != (tt.want != "") || strings.Contains(got.text, "\x1b") {
				t.Errorf("the text is %q", got.text)
			}
		})
	}
}
