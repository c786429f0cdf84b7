package localfs

import (
	"errors"
	"runtime"
	"strings"
	"sync"

	"github.com/sftpc/sftpc/netio/session"
)

// Options say which local files there are. The zero value has none.
type Options struct {
	// System is the system whose rules for names hold, as runtime.GOOS spells
	// it; "" is the running one.
	System string
	// Root is the folder in which paths without a drive lie; "" is none.
	Root string
	// SystemPaths lets paths without a drive mean this system's own; on Windows
	// also paths with a drive or share that Drives does not map. Root must be "".
	SystemPaths bool
	// WorkDir is where Start is: absolute with SystemPaths, else below Root. With
	// SystemPaths and "" there is no start, and relative paths are refused.
	WorkDir string
	// Drives maps "C" or `\\server\share`, in any case, to folders.
	Drives map[string]string
	// Umask is taken off the permissions 0666 and 0777 of what is made.
	Umask uint32
}

// Unmapped reports whether written names a drive or share that a run with these
// options does not have, and which, as Drives would name it. It looks at no file.
func (o Options) Unmapped(written string) (drive string, unmapped bool) {
	w, err := parseWritten(written, o.system())
	if err != nil || w.drive == "" || o.SystemPaths && o.system() == "windows" {
		return "", false
	}
	for name := range o.Drives {
		if driveKey(name) == driveKey(w.drive) {
			return "", false
		}
	}
	return strings.TrimSuffix(w.drive, ":"), true
}

func (o Options) system() string {
	if o.System == "" {
		return runtime.GOOS
	}
	return o.System
}

// DriveOption is the option of the command line that would map drive, as
// returned by Unmapped: --drive C=DIR.
func DriveOption(drive string) string {
	if strings.ContainsAny(drive, `\ `) {
		return "--drive '" + drive + "=DIR'"
	}
	return "--drive " + drive + "=DIR"
}

// FS is the local files of one run. It is safe for concurrent use; the current
// directory is not in it but the caller's, a Path.
type FS struct {
	options Options
	system  string
	base    *mount            // paths without a drive; nil if there are none
	drives  map[string]*mount // by driveKey
	start   Path

	mu      sync.Mutex
	volumes map[string]*mount // Windows's own drives and shares, by driveKey, as they are met

	pretending *pretending // nil: changes are made
}

// mount is a tree of files and what a script calls its root.
type mount struct {
	tree
	drive  string // "C:" or `\\server\share`; "" for paths without
	folder string // where the root lies on this system
	mapped bool   // by Drives: parts are looked for in any case
}

func (m *mount) root() Path { return Path{mount: m} }

// New opens the folders of the options. A folder that does not exist is an error
// that names it.
func New(o Options) (*FS, error) {
	f := &FS{options: o, system: o.system(), drives: make(map[string]*mount), volumes: make(map[string]*mount)}
	if err := f.open(); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func (f *FS) open() error {
	o := f.options
	for name, folder := range o.Drives {
		key := driveKey(name)
		if !isDriveKey(key) {
			return badOption("drive "+name, errors.New(`a drive is a letter or \\server\share`))
		}
		if f.drives[key] != nil {
			return badOption("drive "+name, errors.New("it is mapped twice"))
		}
		t, err := openRoot(folder)
		if err != nil {
			return failure("opening the folder of drive "+name, folder, err)
		}
		f.drives[key] = &mount{tree: t, drive: driveName(name), folder: folder, mapped: true}
	}
	switch {
	case o.Root != "" && o.SystemPaths:
		return badOption("the root folder", errors.New("it cannot be used together with the system's own paths"))
	case o.Root != "":
		t, err := openRoot(o.Root)
		if err != nil {
			return failure("opening the root folder", o.Root, err)
		}
		f.base = &mount{tree: t, folder: o.Root}
		f.start = f.base.root()
	case o.SystemPaths && f.system != "windows":
		f.base = &mount{tree: plainTree("/"), folder: "/"}
	}
	return f.enterWorkDir()
}

// enterWorkDir finds Start.
func (f *FS) enterWorkDir() (err error) {
	dir := f.options.WorkDir
	switch {
	case dir == "":
		return nil
	case f.options.SystemPaths && f.system != "windows":
		// This is a real path, not one that a script wrote: a backslash in it is
		// a letter.
		if !strings.HasPrefix(dir, "/") {
			return badOption("the working directory "+dir, errors.New("it must be absolute"))
		}
		f.start = f.base.root().join(cleanParts(strings.Split(dir, "/")))
	case f.options.SystemPaths:
		if f.start, err = f.Resolve(Path{}, dir); err != nil {
			return err
		}
		f.base = f.start.mount
	default:
		if f.start, err = f.Resolve(f.start, dir); err != nil {
			return err
		}
	}
	return f.insistOnDir("entering", f.start)
}

func badOption(what string, err error) error {
	return &session.Error{Op: what, Cause: session.BadArgument, Class: session.ClassUsage, Err: err}
}

// Close releases the folders. Paths of the FS are useless afterwards.
func (f *FS) Close() error {
	all := []error{f.Done()}
	for _, m := range f.drives {
		all = append(all, m.Close())
	}
	if f.base != nil {
		all = append(all, f.base.Close())
	}
	return errors.Join(all...)
}

// Start is the directory a run begins in; the zero Path if there is none.
func (f *FS) Start() Path { return f.start }

// System is the system whose rules for names hold, as runtime.GOOS.
func (f *FS) System() string { return f.system }

// FoldsCase reports whether wildcards and exclusions match local names in any
// case: they do on Windows.
func (f *FS) FoldsCase() bool { return f.system == "windows" }

// Unmapped is Options.Unmapped.
func (f *FS) Unmapped(written string) (drive string, unmapped bool) {
	return f.options.Unmapped(written)
}

// mountOf finds the tree of a drive or share; nil if the run does not have it.
func (f *FS) mountOf(drive string) *mount {
	key := driveKey(drive)
	if m := f.drives[key]; m != nil {
		return m
	}
	if !f.options.SystemPaths || f.system != "windows" {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	m := f.volumes[key]
	if m == nil {
		m = &mount{tree: plainTree(drive + `\`), drive: driveName(drive), folder: drive + `\`}
		if f.pretending != nil {
			m.tree = f.pretending.over(m.tree)
		}
		f.volumes[key] = m
	}
	return m
}
