package server

import "github.com/klauspost/compress/s2"

// deflater writes an S2 stream at one level.
type deflater struct {
	writer *s2.Writer
	out    appender
}

// appender is an io.Writer to a buffer.
type appender []byte

func (a *appender) Write(b []byte) (int, error) {
	*a = append(*a, b...)
	return len(b), nil
}

// newDeflater returns one for a level of route.StartS2.
func newDeflater(level string) *deflater {
	// In one goroutine: the caller's, so that nothing is left behind when the connection ends.
	// Small blocks, for a writer holds several of them: the most that the default of 1 MiB could gain is a few per cent.
	options := []s2.WriterOption{s2.WriterConcurrency(1), s2.WriterBlockSize(128 << 10)}
	switch level {
	case "s2_uncompressed":
		options = append(options, s2.WriterUncompressed())
	case "s2_better":
		options = append(options, s2.WriterBetterCompression())
	case "s2_best":
		options = append(options, s2.WriterBestCompression())
	}
	return &deflater{writer: s2.NewWriter(nil, options...)}
}

// append appends data to buffer as a stream of its own, which any reader takes for the continuation of the one before (as servers
// do, 2.10.27 to 2.15.2).
func (d *deflater) append(buffer, data []byte) []byte {
	d.out = buffer
	d.writer.Reset(&d.out)
	d.writer.Write(data) // fails only if out does
	d.writer.Close()
	buffer, d.out = d.out, nil
	return buffer
}
