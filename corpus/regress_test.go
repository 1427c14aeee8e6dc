package corpus

import (
	"errors"
	"testing"
	"testing/fstest"
)

func TestRegressions(t *testing.T) {
	all, err := Regressions()
	if err != nil || len(all) == 0 {
		t.Fatal(len(all), err)
	}
	for _, note := range []string{
		`{`, `{"title":"t","public":"p","verdicts":[],"reference":{"*":"open"}}`, `{"title":"t","public":"p","verdicts":[{"versions":"2.1.2..","verdict":"fine"}],"reference":{"*":"open"}}`,
		`{"title":"t","public":"p","verdicts":[{"versions":"x","verdict":"open"}],"reference":{"*":"open"}}`, `{"title":"t","other":1}`,
		`{"title":"t","public":"p","verdicts":[{"versions":"2.1.2..","verdict":"open"}],"reference":{"*":"crash"}}`,
		`{"title":"t","public":"","verdicts":[{"versions":"2.1.2..","verdict":"open"}],"reference":{"*":"open"}}`,
	} {
		fsys := fstest.MapFS{"regress/b/note.json": {Data: []byte(note)}, "regress/b/sequence.txt": {}}
		var fault *DataError
		if _, err := loadRegressions(fsys); !errors.As(err, &fault) {
			t.Errorf("%s: %v", note, err)
		}
	}
}
