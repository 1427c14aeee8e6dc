// Package report turns the results of a certification into a verdict and into the forms that people and scripts read:
// results.jsonl, report.json, junit.xml and the text of a terminal.
//
// It is functions over values: it opens no connection, knows no Ginkgo, and reads no clock. It does not decide what is
// tested; package spec does, and hands over one Result for each spec.
//
// The caller's loop, where an output directory was asked for:
//
//	out, err := report.Create("out")               // before the run: a directory that cannot be used is said at once
//	text := report.NewText(os.Stdout, options)
//	r, err := spec.Run(ctx, spec.Options{
//		Begin: func(r *report.Report, specs int) { text.Begin(r, specs) },
//		Each:  func(res report.Result) { out.Append(res); text.Each(res) },
//	})
//	judgement := report.Judge(r, rows, judging)    // fills Summary, Capabilities, Verdict
//	out.Finish(r)                                  // report.json, junit.xml
//	text.End(r, judgement, out.Path("report.json"))
//	os.Exit(judgement.Exit)
//
// Two rules hold everywhere. What was not tested is never green: a verdict conforms needs every applicable MUST of core
// to have run and passed. And what a target sent is hostile text: it passes Printable, or the escaping of its format,
// before anybody sees it.
package report
