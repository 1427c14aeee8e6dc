package wire

import "bytes"

// A header block is what HMSG and LMSG carry in front of the data: a version line, lines of "key: value", an empty line, each
// ended by CR LF. Servers pass it on without looking at it (2.5 and later), and so does this package: ValidHeader is for
// those who make headers, SplitHeader for those who must tell the two apart.

// HeaderVersion begins every header block; a status may follow on the same line.
const HeaderVersion = "NATS/1.0"

// ValidHeader says whether block is a header block: the version line, then lines with a colon behind a key, then an empty
// line that ends it.
func ValidHeader(block []byte) bool {
	first, rest, ok := bytes.Cut(block, crlf)
	status, isVersion := bytes.CutPrefix(first, []byte(HeaderVersion))
	if !ok || !isVersion || len(status) > 0 && status[0] != ' ' {
		return false
	}
	for {
		var line []byte
		if line, rest, ok = bytes.Cut(rest, crlf); !ok {
			return false
		}
		if len(line) == 0 {
			return len(rest) == 0
		}
		if bytes.IndexByte(line, ':') <= 0 {
			return false
		}
	}
}

// SplitHeader cuts a payload that begins with a header block behind that block. Without one the block is empty and all is
// data.
func SplitHeader(payload []byte) (block, data []byte) {
	if bytes.HasPrefix(payload, []byte(HeaderVersion)) {
		_, data, _ = bytes.Cut(payload, []byte("\r\n\r\n"))
		if block = payload[:len(payload)-len(data)]; ValidHeader(block) {
			return block, data
		}
	}
	return nil, payload
}

var crlf = []byte("\r\n")
