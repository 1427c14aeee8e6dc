package corpus

import (
	"fmt"
	"strconv"
	"strings"
)

// version is a release number: major, minor, patch.
type version [3]int

// parseVersion reads "2", "2.10" or "2.10.27"; parts left out are 0.
func parseVersion(s string) (version, error) {
	var v version
	parts := strings.Split(s, ".")
	if len(parts) > len(v) {
		return v, fmt.Errorf("version %q: more than three numbers", s)
	}
	for i, part := range parts {
		n, err := strconv.Atoi(part)
		if err != nil || n < 0 || part[0] == '+' {
			return v, fmt.Errorf("version %q: %q is not a number", s, part)
		}
		v[i] = n
	}
	return v, nil
}

func (v version) compare(w version) int {
	for i := range v {
		if v[i] != w[i] {
			return v[i] - w[i]
		}
	}
	return 0
}

// versionRange is a run of releases. Both ends belong to it unless open says that the last does not.
type versionRange struct {
	first, last       version
	hasFirst, hasLast bool
	open              bool
}

// parseRange reads "2.5.0..", "..2.10.27", "2.11.17..<2.12".
func parseRange(s string) (versionRange, error) {
	var r versionRange
	from, to, ok := strings.Cut(s, "..")
	if !ok || from == "" && to == "" {
		return r, fmt.Errorf("version range %q: write FIRST.. or ..LAST or FIRST..LAST, with < before LAST to leave it out", s)
	}
	var err error
	if from != "" {
		r.hasFirst = true
		if r.first, err = parseVersion(from); err != nil {
			return r, fmt.Errorf("version range %q: %w", s, err)
		}
	}
	if to != "" {
		r.hasLast = true
		to, r.open = strings.CutPrefix(to, "<")
		if r.last, err = parseVersion(to); err != nil {
			return r, fmt.Errorf("version range %q: %w", s, err)
		}
	}
	if r.hasFirst && r.hasLast && (r.first.compare(r.last) > 0 || r.open && r.first == r.last) {
		return r, fmt.Errorf("version range %q: holds no version", s)
	}
	return r, nil
}

func (r versionRange) contains(v version) bool {
	if r.hasFirst && v.compare(r.first) < 0 {
		return false
	}
	switch c := v.compare(r.last); {
	case !r.hasLast:
		return true
	case r.open:
		return c < 0
	default:
		return c <= 0
	}
}

// KeptBy tells whether nats-server of that version ("2.10.27") keeps the rule. An unreadable version is an error.
func (r *Requirement) KeptBy(release string) (bool, error) {
	v, err := parseVersion(release)
	if err != nil {
		return false, err
	}
	return r.keptBy(v)
}

func (r *Requirement) keptBy(v version) (bool, error) {
	if len(r.Versions) == 0 {
		return true, nil
	}
	for _, s := range r.Versions {
		vr, err := parseRange(s)
		if err != nil {
			return false, err
		}
		if vr.contains(v) {
			return true, nil
		}
	}
	return false, nil
}
