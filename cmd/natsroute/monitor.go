package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/natsroute/natsroute/spec/report"
)

const (
	defaultMonitorPort = "8222"          // of nats-server's documentation
	monitorPatience    = 2 * time.Second // for both pages together: nobody waits long for a remark
	monitorPage        = 1 << 20         // bytes of a page that are read: it comes from the target
)

// monitorURL completes what people write for a monitoring port: a host, host:port, or a URL.
func monitorURL(s string) (string, error) {
	if s == "" {
		return "", nil
	}
	u, err := withScheme(s, "http")
	if err != nil || u.Hostname() == "" || u.RawQuery != "" || u.Fragment != "" {
		return "", usage("--monitor: %s is no monitoring URL: write http://HOST:PORT", maskURL(s))
	}
	if u.Scheme != "http" && u.Scheme != "https" {
		return "", usage("--monitor: %s: the scheme of a monitoring URL is http or https", maskURL(s))
	}
	if u.Port() == "" {
		u.Host = net.JoinHostPort(u.Hostname(), defaultMonitorPort)
	}
	return u.String(), nil
}

// diagnose adds what the monitoring port says to a report that somebody will ask questions about: the run failed, the
// target was lost, or the operator named the port and keeps the report. The verdict is out by then and stays.
func (r *certification) diagnose(rep *report.Report) {
	kept := r.c.Monitor != "" && r.out.dir != nil
	asked := kept || rep.Verdict == report.Fails || rep.Verdict == report.Errored || rep.TargetLost != ""
	if r.target.Monitor == "" || !asked {
		return
	}
	ctx, cancel := context.WithTimeout(r.p.ctx, monitorPatience)
	defer cancel()
	rep.Warnings = append(rep.Warnings, askMonitor(ctx, r.target.Monitor))
}

// askMonitor is what the server at a monitoring URL says of itself, or why it said nothing, in one line.
func askMonitor(ctx context.Context, base string) string {
	var varz struct {
		Version string `json:"version"`
		Uptime  string `json:"uptime"`
	}
	var routez struct {
		Routes *int `json:"num_routes"`
	}
	transport := &http.Transport{DisableKeepAlives: true} // no proxy: the port is asked as directly as the routes are
	// The port is the target's: it does not send us anywhere else.
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	client := &http.Client{Transport: transport, CheckRedirect: stay}
	for _, page := range []struct {
		name string
		into any
	}{{"varz", &varz}, {"routez", &routez}} {
		if err := fetchJSON(ctx, client, base, page.name, page.into); err != nil {
			return fmt.Sprintf("monitor: no answer from /%s: %v", page.name, err)
		}
	}
	if varz.Version == "" || varz.Uptime == "" || routez.Routes == nil {
		return "monitor: what answers is no monitoring port: /varz has no version and uptime, or /routez no num_routes"
	}
	return fmt.Sprintf("monitor: version %s, up %s, %s", varz.Version, varz.Uptime, counted(*routez.Routes, "route"))
}

// fetchJSON reads one page of a monitoring port.
func fetchJSON(ctx context.Context, client *http.Client, base, page string, into any) error {
	u, err := url.Parse(base)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, u.JoinPath(page).String(), nil)
	if err != nil {
		return err
	}
	response, err := client.Do(request) // its error shows the URL without the password in it
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("HTTP status %s", response.Status)
	}
	if err := json.NewDecoder(io.LimitReader(response.Body, monitorPage)).Decode(into); err != nil {
		return fmt.Errorf("it is not JSON of at most %d bytes: %w", monitorPage, err)
	}
	return nil
}
