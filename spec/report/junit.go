package report

import (
	"encoding/xml"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The elements of junit.xml. They keep to the schema of the Ant tasks, the strictest in use (what it accepts, the
// looser ones of CI systems accept), in element order, required attributes and all.
type (
	junitSuites struct {
		XMLName xml.Name     `xml:"testsuites"`
		Suites  []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Package   string `xml:"package,attr"`
		ID        int    `xml:"id,attr"`
		Name      string `xml:"name,attr"`
		Timestamp string `xml:"timestamp,attr"`
		Hostname  string `xml:"hostname,attr"`
		Tests     int    `xml:"tests,attr"`
		Failures  int    `xml:"failures,attr"`
		Errors    int    `xml:"errors,attr"`
		Skipped   int    `xml:"skipped,attr"`
		Time      string `xml:"time,attr"`

		Properties []junitProperty `xml:"properties>property"`
		Cases      []junitCase     `xml:"testcase"`
		Out        string          `xml:"system-out"`
		Err        string          `xml:"system-err"`
	}
	junitProperty struct {
		Name  string `xml:"name,attr"`
		Value string `xml:"value,attr"`
	}
	junitCase struct {
		Name    string        `xml:"name,attr"`
		Class   string        `xml:"classname,attr"`
		Time    string        `xml:"time,attr"`
		Skipped *junitSkipped `xml:"skipped"`
		Error   *junitFailure `xml:"error"`
		Failure *junitFailure `xml:"failure"`
	}
	junitSkipped struct {
		Message string `xml:"message,attr"`
	}
	junitFailure struct {
		Message string `xml:"message,attr"`
		Type    string `xml:"type,attr"`
		Text    string `xml:",chardata"`
	}
)

// WriteJUnit writes the report for tools that read JUnit's XML: a suite for each chapter, a case for each result. A MUST
// not kept is a failure; a SHOULD not kept is not. What was not tested, or does not apply, is skipped with its reason.
func WriteJUnit(w io.Writer, r *Report) error {
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	enc := xml.NewEncoder(w)
	enc.Indent("", "  ")
	if err := enc.Encode(junitOf(r)); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func junitOf(r *Report) junitSuites {
	byChapter := make(map[string][]Result)
	for _, res := range r.Results {
		byChapter[res.Chapter] = append(byChapter[res.Chapter], res)
	}
	var chapters []string
	for name := range byChapter {
		chapters = append(chapters, name)
	}
	slices.Sort(chapters)
	var all junitSuites
	for i, name := range chapters {
		all.Suites = append(all.Suites, junitChapter(r, i, name, byChapter[name]))
	}
	return all
}

func junitChapter(r *Report, id int, chapter string, results []Result) junitSuite {
	slices.SortStableFunc(results, func(a, b Result) int { return strings.Compare(a.ID, b.ID) })
	s := junitSuite{
		Package: "natsroute", ID: id, Name: xmlToken(chapter), Timestamp: junitTime(r.Started),
		Hostname: "localhost", // the schema wants one and names this word for those who do not tell
		Properties: []junitProperty{
			{"profile", xmlText(r.Profile.Name)},
			{"verdict", string(r.Verdict)},
			{"seed", strconv.FormatInt(r.Seed, 10)},
		},
	}
	for _, t := range r.Targets {
		s.Properties = append(s.Properties, junitProperty{xmlToken("target." + t.Key), xmlText(t.Server)})
	}
	var ms float64
	for i := range results {
		c := junitCaseOf(&results[i])
		s.Tests++
		switch {
		case c.Failure != nil:
			s.Failures++
		case c.Error != nil:
			s.Errors++
		case c.Skipped != nil:
			s.Skipped++
		}
		ms += results[i].DurationMS
		s.Cases = append(s.Cases, c)
	}
	s.Time = junitSeconds(ms)
	return s
}

func junitCaseOf(res *Result) junitCase {
	c := junitCase{
		Name:  xmlToken(res.ID + " " + res.Title),
		Class: xmlToken("natsroute." + res.Chapter), Time: junitSeconds(res.DurationMS),
	}
	if c.Class == "natsroute." {
		c.Class = "natsroute"
	}
	switch res.Status {
	case Pass, Warn, Observed, Disputed:
	case Fail, UnexpectedPass:
		c.Failure = junitFailureOf(res)
	case NotTested, NotApplicable, ExpectedFail:
		c.Skipped = &junitSkipped{Message: xmlText(strings.TrimSuffix(string(res.Status)+": "+res.Reason, ": "))}
	default:
		c.Error = junitFailureOf(res)
	}
	return c
}

func junitFailureOf(res *Result) *junitFailure {
	f := &junitFailure{Type: xmlToken(string(res.Status)), Message: string(res.Status)}
	if res.Failure != nil {
		f.Message = xmlText(res.Failure.Message)
	}
	var b strings.Builder
	writeDetail(&b, res, detail{entries: 40, width: 0})
	f.Text = xmlText(b.String())
	return f
}

func junitSeconds(ms float64) string { return strconv.FormatFloat(ms/1000, 'f', 6, 64) }

// junitTime is the start in the schema's form, which has no zone.
func junitTime(started string) string {
	t, err := time.Parse(time.RFC3339, started)
	if err != nil {
		t = time.Unix(0, 0)
	}
	return t.UTC().Format("2006-01-02T15:04:05")
}

// xmlText replaces what XML cannot hold, line by line. What is left is escaped by the encoder.
func xmlText(s string) string {
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		lines[i] = Printable(line)
	}
	return strings.Join(lines, "\n")
}

// xmlToken is text without line ends and without runs of blanks, as the schema wants names.
func xmlToken(s string) string {
	if token := strings.Join(strings.Fields(Printable(s)), " "); token != "" {
		return token
	}
	return "unnamed"
}

// describe is a status and its reason, for people.
func describe(status Status, reason string) string {
	word := strings.ReplaceAll(string(status), "_", " ")
	if reason == "" {
		return word
	}
	return fmt.Sprintf("%s (%s)", word, Printable(reason))
}
