package names

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestSafeName(t *testing.T) {
	tests := []struct {
		name           string
		linux, windows bool // safe there
	}{
		{"sales.xls", true, true},
		{"...", true, false},
		{" leading blank", true, true},
		{"-rf", true, true},
		{"latin\xe41", true, true},
		{strings.Repeat("x", 255), true, true},
		{"nullable.txt", true, true},
		{"COM", true, true},
		{"COM10", true, true},
		{"COM1x", true, true},
		{"back\\slash", true, false},
		{"..\\x", true, false},
		{"C:", true, false},
		{"file:stream", true, false},
		{"trailing.", true, false},
		{"trailing ", true, false},
		{"bell\a", true, false},
		{"quote\"", true, false},
		{"wild*", true, false},
		{"NUL", true, false},
		{"nul.txt", true, false},
		{"con .txt", true, false},
		{"Com1", true, false},
		{"LPT9.tar.gz", true, false},
		{"COM²", true, false},
		{"conin$", true, false},
		{"", false, false},
		{".", false, false},
		{"..", false, false},
		{"a/b", false, false},
		{"/", false, false},
		{"nul\x00", false, false},
		{"cr\r", false, false},
		{"lf\nx", false, false},
		{strings.Repeat("x", 256), false, false},
	}
	for _, tt := range tests {
		if err := SafeName(tt.name, "linux"); (err == nil) != tt.linux {
			t.Errorf("%q on linux: %v", tt.name, err)
		}
		if err := SafeName(tt.name, "windows"); (err == nil) != tt.windows {
			t.Errorf("%q on windows: %v", tt.name, err)
		}
	}
}

func TestMatch(t *testing.T) {
	tests := []struct {
		pattern, name string
		want          bool
	}{
		{"", "", true}, {"", "a", false}, {"a", "", false},
		{"*", "", true}, {"*", "a.b", true}, {"**", "x", true},
		{"*.*", "no dot", true}, {"*.*", "", true}, {"*.*x", "ax", false}, {"a*.*", "ab", false},
		{"*.xls", "sales.xls", true}, {"*.xls", "sales.xlsx", false}, {"*.xls", ".xls", true}, {"*.xls", "sales.XLS", false},
		{"s?les.xls", "sales.xls", true}, {"?", "", false}, {"?", "ä", true}, {"?", "\xe4", true}, {"??", "ä", false},
		{"[ab]*", "[ab]c", true}, {"[ab]*", "ac", false}, {`\*`, `\x`, true}, {`\*`, "*", false},
		{"*a*b*c", "xaxbxc", true}, {"*a*b*c", "xaxcxb", false}, {"*ab", "aab", true}, {"a*", "ba", false},
		{"*\xe4*", "x\xe4y", true}, {"\xe4", "\xf6", false}, {"ä", "\xc3", false}, {"*", "\xff\xfe", true},
		{"a|b", "a|b", true}, {"{a,b}", "a", false}, {"*/x", "a/x", true},
	}
	for _, tt := range tests {
		if got := Match(tt.pattern, tt.name, false); got != tt.want {
			t.Errorf("%q, %q: got %v", tt.pattern, tt.name, got)
		}
	}
}

func TestMatch_Fold(t *testing.T) {
	tests := []struct {
		pattern, name string
		want          bool
	}{
		{"*.XLS", "sales.xls", true}, {"ÄRGER?", "ärgerx", true}, {"ſ", "S", true}, {"\xe4", "\xc4", false}, {"K", "\u212a", true}, {"a", "b", false},
	}
	for _, tt := range tests {
		if got := Match(tt.pattern, tt.name, true); got != tt.want {
			t.Errorf("%q, %q: got %v", tt.pattern, tt.name, got)
		}
	}
}

// The matcher agrees with the regular expression that says the same.
func TestMatch_Model(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pattern := rapid.StringOf(rapid.SampledFrom([]rune("aAbä.*?[\\"))).Draw(t, "pattern")
		name := rapid.StringOf(rapid.SampledFrom([]rune("aAbä.*?[\\"))).Draw(t, "name")
		fold := rapid.Bool().Draw(t, "fold")
		model := regexp.QuoteMeta(pattern)
		if pattern == "*.*" {
			model = `\*`
		}
		model = strings.NewReplacer(`\*`, "(?s:.*)", `\?`, "(?s:.)", `\\`, `\\`).Replace(model)
		if fold {
			model = "(?i)" + model
		}
		if want := regexp.MustCompile(`^(?:` + model + `)$`).MatchString(name); Match(pattern, name, fold) != want {
			t.Fatalf("Match(%q, %q, %v) is not %v", pattern, name, fold, want)
		}
	})
}

// A pattern made to be slow is not: a matcher that tries every star again would
// not come to an end.
func TestMatch_NeverExplodes(t *testing.T) {
	start := time.Now()
	if Match(strings.Repeat("*a", 60)+"b", strings.Repeat("a", 4000), false) {
		t.Error("matched")
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("took %v", took)
	}
}

func TestEqualFold(t *testing.T) {
	tests := []struct {
		a, b string
		want bool
	}{
		{"", "", true}, {"Sales.XLS", "sales.xls", true}, {"a", "ab", false}, {"Ä", "ä", true},
		{"?", "x", false}, {"x", "?", false}, {"*", "x", false}, {"\xe4", "\xc4", false}, {"\xe4A", "\xe4a", true},
	}
	for _, tt := range tests {
		if got := EqualFold(tt.a, tt.b); got != tt.want {
			t.Errorf("%q, %q: got %v", tt.a, tt.b, got)
		}
	}
}

func TestHasWildcard(t *testing.T) {
	for name, want := range map[string]bool{"": false, "a.b": false, "[a]": false, "*": true, "a?b": true} {
		if HasWildcard(name) != want {
			t.Errorf("%q: want %v", name, want)
		}
	}
}

func TestPart(t *testing.T) {
	long := strings.Repeat("x", 255)
	for _, name := range []string{"sales.xls", "", long, "\xff"} {
		for _, made := range []string{Part(name), Note(name)} {
			if !IsPart(made) || len(made) > 40 {
				t.Errorf("%q: %q is no part's name", name, made)
			}
			for _, goos := range []string{"linux", "windows"} {
				if err := SafeName(made, goos); err != nil {
					t.Errorf("%q on %s: %v", made, goos, err)
				}
			}
		}
	}
	if Part("a") == Part("b") || Part("a") == Note("a") {
		t.Error("names of parts do not depend on the name alone")
	}
	for _, name := range []string{"", ".sftpc-", ".sftpc-.part", ".sftpc-0123456789abcdef", ".sftpc-0123456789abcdeg.part",
		".sftpc-0123456789ABCDEF.part", ".sftpc-0123456789abcdef.parts", "x.sftpc-0123456789abcdef.part", ".sftpc-0123456789abcdef0.part"} {
		if IsPart(name) {
			t.Errorf("%q is taken for a part", name)
		}
	}
}

// Of a host `*.*` asks for a point, and brackets are letters.
func TestGlob(t *testing.T) {
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{
		{"*.*", "localhost", false}, {"*.*", "a.b", true}, {"", "", true}, {"?", "", false}, {"a*b*c", "axxbyyc", true}, {"a*b*c", "axxbyy", false},
		{"[h]:22", "[h]:22", true}, {"[h]:*", "[h]:2222", true}, {"*.b", "a.c.b", true},
	} {
		if got := Glob(c.pattern, c.name, false); got != c.want {
			t.Errorf("%q against %q: %v", c.name, c.pattern, got)
		}
	}
}
