package builtins

import (
	"testing"

	"github.com/sftpc/sftpc/builtins/catalog"
	"github.com/sftpc/sftpc/netio/session"
)

func TestRegistry_isTheCatalogue(t *testing.T) {
	all, err := registry()
	if err != nil {
		t.Fatal(err)
	}
	listed := make(map[string]bool)
	for _, row := range catalog.Commands() {
		listed[row.Name] = true
		if all[row.Name] == nil {
			t.Errorf("%s is in the catalogue and not implemented", row.Name)
		}
	}
	for name := range all {
		if !listed[name] {
			t.Errorf("%s is implemented and not in the catalogue", name)
		}
	}
}

func TestCauses_haveResultsOfTheirClass(t *testing.T) {
	results := causeResults()
	for cause := session.Cause(1); int(cause) < session.Causes(); cause++ {
		result, ok := results[cause]
		if !ok {
			t.Errorf("cause %d has no result", cause)
			continue
		}
		if result.Name != causeNames()[cause] {
			t.Errorf("cause %d is %s, want %s", cause, result.Name, causeNames()[cause])
		}
	}
	if len(results) != session.Causes()-1 {
		t.Errorf("%d results for %d causes", len(results), session.Causes()-1)
	}
}

func TestResults_areReachable(t *testing.T) {
	reached := make(map[string]bool)
	for _, name := range causeNames() {
		reached[name] = true
	}
	for _, result := range catalog.Results() {
		if !reached[result.Name] {
			t.Errorf("no cause gives %s", result.Name)
		}
		if !isClass(result.Class) {
			t.Errorf("%s has class %q, which does not exist", result.Name, result.Class)
		}
	}
}

func isClass(word string) bool {
	for class := session.ClassAuth; class <= session.ClassInternal; class++ {
		if class.String() == word {
			return true
		}
	}
	return false
}

// The class decides whether a rerun may help; the cause's own class and that of
// its result must not tell two stories.
func TestCauses_hundredsFollowTheClass(t *testing.T) {
	hundreds := make(map[string]int)
	for _, result := range catalog.Results() {
		if result.Code < 20000 {
			continue // the only documented code
		}
		hundred := result.Code / 100
		if before, ok := hundreds[result.Class]; ok && before != hundred {
			t.Errorf("%s %d is of class %s, whose codes begin with %d", result.Name, result.Code, result.Class, before)
		}
		hundreds[result.Class] = hundred
	}
}
