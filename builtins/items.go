package builtins

import (
	"slices"
	"strings"

	"github.com/sftpc/sftpc/vm"
	"github.com/sftpc/sftpc/vm/value"
)

// itemCommands compute with lists: texts whose items stand between bars. An item
// is compared byte by byte, never as a number: they are names, mostly.
func itemCommands() family {
	return family{
		"LISTLENGTH":   (*State).listLength,
		"LISTITEM":     (*State).listItem,
		"LISTCONTAINS": (*State).listContains,
		"LISTADD":      (*State).listAdd,
		"LISTREMOVE":   (*State).listRemove,
		"LISTSORT":     (*State).listSort,
	}
}

const separator = string(value.Separator)

// items is the list at the place, apart; the empty text has none.
func (a *arguments) items(place int) []string {
	list := a.text(place)
	if list == "" {
		return nil
	}
	return strings.Split(list, separator)
}

func (s *State) listLength(a *arguments) error {
	n := 0
	if list := a.text(0); list != "" {
		n = strings.Count(list, separator) + 1
	}
	a.returnsValue(value.Number(float64(n)))
	return nil
}

// listItem is LISTITEM(list, place), the first being 1.
func (s *State) listItem(a *arguments) error {
	place, err := a.whole(1, 1, mostCharacters)
	if err != nil {
		return err
	}
	list, at := a.text(0), 0
	for count := int64(1); ; count++ {
		item, next, ok := value.NextItem(list, at)
		switch {
		case !ok:
			return a.bad(1, "is %d, and the list has %s", place, plural(int(count-1), "item"))
		case count == place:
			a.returns(item)
			return nil
		}
		at = next
	}
}

func (s *State) listContains(a *arguments) error {
	list, wanted := a.text(0), a.text(1)
	for at := 0; ; {
		item, next, ok := value.NextItem(list, at)
		if !ok || item == wanted {
			a.returns(truth(ok))
			return nil
		}
		at = next
	}
}

// listAdd is LISTADD(list, item, ...). What holds a bar is several items. The empty
// text is no list with one empty item, so that nothing but a bar tells them apart.
func (s *State) listAdd(a *arguments) error {
	list := a.text(0)
	for _, item := range a.rest(1) {
		if len(list)+len(item) >= vm.MaxTextLength {
			return a.bad(1, "makes a list of more than %d bytes", vm.MaxTextLength)
		}
		if list == "" {
			list = item
		} else {
			list += separator + item
		}
	}
	a.returns(list)
	return nil
}

func (s *State) listRemove(a *arguments) error {
	unwanted := a.text(1)
	kept := slices.DeleteFunc(a.items(0), func(item string) bool { return item == unwanted })
	a.returns(strings.Join(kept, separator))
	return nil
}

// listSort is LISTSORT(list [, TEXT | NUMBER] [, DESC]). Items that are equal keep
// their order, also from the greatest down.
func (s *State) listSort(a *arguments) error {
	by, descending := a.constant(1), a.constant(2) == "DESC"
	if by == "DESC" {
		if descending {
			return a.bad(1, "must be TEXT or NUMBER where DESC follows")
		}
		descending = true
	}
	items := a.items(0)
	compare := strings.Compare
	if by == "NUMBER" {
		for _, item := range items {
			if _, ok := value.ParseNumber(item); !ok {
				return a.bad(0, "holds %s, which is no number", quoted(item))
			}
		}
		compare = func(x, y string) int {
			p, _ := value.ParseNumber(x)
			q, _ := value.ParseNumber(y)
			switch {
			case p < q:
				return -1
			case p > q:
				return 1
			}
			return 0
		}
	}
	slices.SortStableFunc(items, func(x, y string) int {
		if descending {
			return compare(y, x)
		}
		return compare(x, y)
	})
	a.returns(strings.Join(items, separator))
	return nil
}
