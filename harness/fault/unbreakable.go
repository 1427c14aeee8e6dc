package fault

// Unbreakable says why no fault of a route connection can break a row; empty: one can.
func Unbreakable(requirement string) string { return unbreakable[requirement] }

var unbreakable = map[string]string{
	"RT-LDM-004": "A server in lame duck mode closes its client port: what stands in connections cannot open it again.",
	"RT-QUE-027": "Which of its own members a server chooses never shows on a route.",
}
