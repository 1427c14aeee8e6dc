// Package corpus holds what natsroute knows about the route protocol as data: the requirement register, the vectors and
// captures of real servers. It loads and checks them; it runs nothing.
//
//   - requirements.json has one row for each statement about a server that can be tested on its route port, and with
//     exclusions every sentence of the protocol page that cannot.
//   - page.json ties every sentence of that page to its rows and exclusions, without repeating it.
//   - vectors/CHAPTER.json have inputs written by hand, with what a parser makes of them and what a live port does.
//   - captures/ are bytes that real servers sent one another.
//
// README.md says the same to readers in other languages, and schema/ has JSON Schemas of the files. The package knows no
// parser: a vector's wanted operations are plain text, so that they can be held against any.
//
// A caller loads once and asks:
//
//	c, err := corpus.Load()
//	if err != nil {
//		return err // *DataError: file, row and member
//	}
//	row, ok := c.Requirement("RT-HOP-001")
//	for _, v := range c.VectorsFor(row.ID) {
//		parser.Feed(v.Bytes())
//	}
//
// Everything returned is shared: callers only read. A Corpus is safe for concurrent use.
package corpus
