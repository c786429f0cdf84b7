package netio

import (
	"time"

	"github.com/sftpc/sftpc/netio/internal/localfs"
	"github.com/sftpc/sftpc/netio/internal/names"
	"github.com/sftpc/sftpc/netio/internal/record"
)

// LocalFS is the local files of one run, and the only way to them: builtins and
// cmd open no file of a script by other means. See its methods.
type LocalFS = localfs.FS

// LocalOptions say which local files there are.
type LocalOptions = localfs.Options

// LocalPath names a local file or directory of a LocalFS.
type LocalPath = localfs.Path

// LocalEntry is what is known of a local file.
type LocalEntry = localfs.Entry

// Part is a local file that is being downloaded.
type Part = localfs.Part

// Batch puts many Parts on disk together.
type Batch = localfs.Batch

// PartNote says what a Part is part of.
type PartNote = localfs.Note

// Records keep what was learned of servers from one run to the next.
type Records = record.Store

// OpenRecords is the records in a folder, which is made when there is something to
// keep. now is the clock; nil is time.Now.
func OpenRecords(dir string, now func() time.Time) *Records { return record.New(dir, now) }

// OpenLocal opens the folders that the options name. Close the result.
func OpenLocal(o LocalOptions) (*LocalFS, error) { return localfs.New(o) }

// DriveOption is the command line's option for a drive or share as
// LocalFS.Unmapped returns it: --drive C=DIR.
func DriveOption(drive string) string { return localfs.DriveOption(drive) }

// Match reports whether the whole of name matches the wildcard pattern: `*` and
// `?` are special, nothing else is; `*.*` means `*`. With fold letters match in
// any case (LocalFS.FoldsCase).
func Match(pattern, name string, fold bool) bool { return names.Match(pattern, name, fold) }

// HasWildcard reports whether name holds `*` or `?`.
func HasWildcard(name string) bool { return names.HasWildcard(name) }

// SafeName reports why a name from outside must not become a file's name on the
// system goos (as runtime.GOOS); nil if it may.
func SafeName(name, goos string) error { return names.SafeName(name, goos) }

// PartName is the name under which an unfinished file is kept that will be called
// name; uploads that are renamed when whole may use it too.
func PartName(name string) string { return names.Part(name) }

// IsPartName reports whether name is an unfinished file's or its note's. No set,
// listing or SYNC shows such names.
func IsPartName(name string) bool { return names.IsPart(name) }
