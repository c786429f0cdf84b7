package engine

import (
	"context"

	"github.com/sftpc/sftpc/netio/session"
)

// Tree is one of the two sides. Paths are below its top, their components joined by
// slashes; "" is the top itself.
type Tree interface {
	// List begins to read a directory, and returns what waits for the end of that. A
	// tree that can do one thing at a time may do all of it then; one that reads
	// several directories at once begins at once. The function is called at most once.
	List(ctx context.Context, dir string) (wait func() (session.Listing, error))
}

// Hands carry out what the walk decides. All methods are called by one goroutine, in
// the order of the plan: directory by directory, the files of each in the order of
// names, and all deletions behind all transfers.
type Hands interface {
	// MakeDir makes a directory of the target, whose parent is there. It has told why
	// it failed if it returns false: then nothing of what is below is done.
	MakeDir(ctx context.Context, path string) bool
	// Transfer begins to bring a file over; it may return before the end of that. It
	// returns false where no further step is of any use.
	Transfer(ctx context.Context, s Step) (goOn bool)
	// Pass is told of a file that is not transferred, and why.
	Pass(s Step)
	// Fail is told of a directory that could not be read. It returns false where no
	// further step is of any use.
	Fail(path string, err error) (goOn bool)
	// Settle waits until all that was begun is over, and reports whether it worked.
	Settle(ctx context.Context) (whole bool)
	// Remove deletes a file or an empty directory of the target, and reports whether
	// it is gone.
	Remove(ctx context.Context, o Orphan) bool
}

// Reason is why a file is transferred, or is not.
type Reason uint8

const (
	NotFound   Reason = iota // the target lacks it
	Older                    // the target's is older
	OtherSize                // both are of one time, and of different sizes
	Unfinished               // an earlier run did not bring it over whole
	NoTimes                  // neither times nor sizes can be compared

	UpToDate      // the target has it, or a newer one
	NewerDiffers  // the target has a newer one, of another size
	IsExcluded    // an exclusion covers it
	NoFile        // the source has no regular file there
	TargetNoFile  // the target has something else under that name
	NameTaken     // the target takes two names of the source for one
	NotUsableName // a name that the target cannot have
)

// Transfers reports whether the file goes.
func (r Reason) Transfers() bool { return r <= NoTimes }

// Incomplete reports whether the target is not what the source is, because of it.
func (r Reason) Incomplete() bool {
	return r == TargetNoFile || r == NameTaken || r == NotUsableName
}

// Step is what is decided of one name.
type Step struct {
	Path   string // below both tops; for a target that folds names, the source's
	Why    Reason
	Source session.Entry
	// Target is what the target has there, where HasTarget. Its name may differ in
	// case from the source's.
	Target    session.Entry
	HasTarget bool
}

// Orphan is a name of the target that the source lacks.
type Orphan struct {
	Path string
	Dir  bool
}
