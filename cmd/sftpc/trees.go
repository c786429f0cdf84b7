package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sftpc/sftpc/vm/diag"
)

// tree is what hosts and drives hold: every file and folder by its path with
// slashes, folders ending in one.
type tree map[string]treeEntry

type treeEntry struct {
	size int64
	sum  [sha256.Size]byte
}

// snapshot reads what hosts and drives below root hold.
func snapshot(root string) (tree, error) {
	t := tree{}
	for _, top := range []string{"hosts", "drives"} {
		err := filepath.WalkDir(filepath.Join(root, top), func(name string, entry fs.DirEntry, err error) error {
			if err != nil {
				if errors.Is(err, fs.ErrNotExist) {
					return nil
				}
				return err
			}
			relative, err := filepath.Rel(root, name)
			if err != nil {
				return err
			}
			key := filepath.ToSlash(relative)
			switch {
			case entry.IsDir():
				t[key+"/"] = treeEntry{}
			case entry.Type().IsRegular():
				t[key], err = fingerprint(name)
			default:
				t[key] = treeEntry{size: -1}
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return t, nil
}

func fingerprint(name string) (treeEntry, error) {
	file, err := os.Open(name)
	if err != nil {
		return treeEntry{}, err
	}
	defer file.Close()
	hash := sha256.New()
	size, err := io.Copy(hash, file)
	return treeEntry{size: size, sum: [sha256.Size]byte(hash.Sum(nil))}, err
}

// paths are the tree's paths in order; folders that hold something are left out,
// because what they hold names them.
func (t tree) paths() []string {
	var all []string
	for path := range t {
		all = append(all, path)
	}
	slices.Sort(all)
	return slices.DeleteFunc(all, func(path string) bool {
		if !strings.HasSuffix(path, "/") {
			return false
		}
		at, _ := slices.BinarySearch(all, path)
		return at+1 < len(all) && strings.HasPrefix(all[at+1], path)
	})
}

// showChanges prints both trees as they are now, each file with what became of
// it, and the files that are gone.
func showChanges(w io.Writer, before, after tree) {
	everything := tree{}
	for path, entry := range before {
		everything[path] = entry
	}
	for path, entry := range after {
		everything[path] = entry
	}
	for _, top := range []string{"hosts/", "drives/"} {
		fmt.Fprintf(w, "%s\n", top)
		shown := 0
		for _, path := range everything.paths() {
			rest, ok := strings.CutPrefix(path, top)
			if !ok || rest == "" || path == localFolder+"/" {
				continue
			}
			shown++
			was, had := before[path]
			is, has := after[path]
			word := "  "
			switch {
			case had && !has:
				word, is = "- ", was
			case has && !had:
				word = "+ "
			case was != is:
				word = "~ "
			}
			fmt.Fprintf(w, "  %s%s%s\n", word, diag.Escape(rest), sizeText(path, is))
		}
		if shown == 0 {
			fmt.Fprintf(w, "    nothing\n")
		}
		fmt.Fprintln(w)
	}
	fmt.Fprintf(w, "+ new, ~ changed, - gone\n")
}

// localFolder is where a rehearsal's local names without a drive lie. It is there
// always; empty it is not worth a line.
const localFolder = "drives/local"

func sizeText(path string, entry treeEntry) string {
	if strings.HasSuffix(path, "/") {
		return ""
	}
	return fmt.Sprintf("  (%d bytes)", entry.size)
}

// compareTrees lists how is differs from want, by path. Folders count only where
// they hold something.
func compareTrees(want, is tree) []string {
	var differences []string
	both := tree{}
	for path := range want {
		both[path] = treeEntry{}
	}
	for path := range is {
		both[path] = treeEntry{}
	}
	for _, path := range both.paths() {
		if strings.HasSuffix(path, "/") {
			continue
		}
		wanted, expected := want[path]
		found, there := is[path]
		switch {
		case expected && !there:
			differences = append(differences, fmt.Sprintf("%s is missing", diag.Escape(path)))
		case there && !expected:
			differences = append(differences, fmt.Sprintf("%s is too many", diag.Escape(path)))
		case wanted != found:
			differences = append(differences, fmt.Sprintf("%s has other content: %d bytes, expected %d", diag.Escape(path), found.size, wanted.size))
		}
	}
	return differences
}

// copyTree copies folders and regular files into a folder of root; links and
// devices are refused, since what they lead to lies outside.
func copyTree(from string, root *os.Root, folder string) error {
	return filepath.WalkDir(from, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(from, name)
		if err != nil {
			return err
		}
		target := filepath.Join(folder, relative)
		switch {
		case entry.IsDir():
			return root.MkdirAll(target, 0o755)
		case entry.Type().IsRegular():
			return copyFile(name, root, target)
		}
		return fmt.Errorf("%s is neither a file nor a folder", name)
	})
}

func copyFile(from string, root *os.Root, to string) error {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer source.Close()
	target, err := root.Create(to)
	if err != nil {
		return err
	}
	_, err = io.Copy(target, source)
	if closing := target.Close(); err == nil {
		err = closing
	}
	return err
}
