package localfs

import (
	"errors"
	"os"
	"sync"
	"time"
)

// Batch puts many finished files on disk together, for a command that downloads a set:
// waiting for the disk takes as long for one file as for a hundred. What holds of one
// file holds of each: its bytes are on disk before it bears its name, and when Close
// returns so is the name. Its methods may be called from any goroutine; a nil Batch
// does nothing, and its files wait for the disk one by one.
type Batch struct {
	lock    sync.Mutex
	waiting []*Part
	running bool
	idle    *sync.Cond      // signalled when running ends
	folders map[string]Path // that hold names not known to be on disk, by what they are called
	patient time.Duration   // how long all of the file system took, for each file; the longest
}

const (
	// worthAll is how many files are worth asking the system to write all that it has for
	// their file system, which may be more than theirs.
	worthAll = 4
	// longestAll for each file is taken as a sign that others write much there: then each
	// file is waited for alone.
	longestAll = 20 * time.Millisecond
	// syncsAtOnce is how many files are waited for at the same time.
	syncsAtOnce = 8
)

// NewBatch begins a batch.
func (f *FS) NewBatch() *Batch {
	b := &Batch{folders: make(map[string]Path)}
	b.idle = sync.NewCond(&b.lock)
	return b
}

// Finish begins to put a whole part on disk, with the time that it is to have, zero for
// none. It does not wait; Commit with the same time does. Nothing may be written to the
// part any more.
func (b *Batch) Finish(p *Part, modTime time.Time) {
	if b == nil || p.ended || p.flushed != nil {
		return
	}
	old, err := p.standing()
	if err == nil {
		err = p.dress(modTime, p.fs.usualMode(old))
	}
	if err != nil {
		return // Commit tries again and says why not
	}
	p.batch, p.flushed = b, make(chan struct{})
	b.lock.Lock()
	defer b.lock.Unlock()
	b.waiting = append(b.waiting, p)
	if !b.running {
		b.running = true
		go b.run()
	}
}

// run works until nothing waits: what comes while the disk is busy is the next lot.
func (b *Batch) run() {
	for {
		b.lock.Lock()
		lot := b.waiting
		b.waiting = nil
		if len(lot) == 0 {
			b.running = false
			b.idle.Broadcast()
			b.lock.Unlock()
			return
		}
		together := len(lot) >= worthAll && b.patient <= longestAll
		b.lock.Unlock()
		begun := time.Now()
		if together && syncAll(lot) {
			b.lock.Lock()
			b.patient = max(b.patient, time.Since(begun)/time.Duration(len(lot)))
			b.lock.Unlock()
		} else {
			syncEach(lot)
		}
		for _, p := range lot {
			close(p.flushed)
		}
	}
}

// syncAll lets the system write all that it has for the file systems of the parts. It
// reports false where that cannot be asked for, or went wrong for anybody's file.
func syncAll(lot []*Part) bool {
	done := make(map[uint64]bool)
	for _, p := range lot {
		device, ok := deviceOf(p.file)
		if !ok {
			return false
		}
		if done[device] {
			continue
		}
		if !syncFileSystem(p.file) {
			return false
		}
		done[device] = true
	}
	return true
}

// syncEach waits for each part by itself.
func syncEach(lot []*Part) {
	var all sync.WaitGroup
	turns := make(chan struct{}, syncsAtOnce)
	for _, p := range lot {
		turns <- struct{}{}
		all.Go(func() {
			p.flushErr = p.file.Sync()
			<-turns
		})
	}
	all.Wait()
}

// renamed notes a folder that holds a new name.
func (b *Batch) renamed(p *Part) {
	b.lock.Lock()
	defer b.lock.Unlock()
	folder := p.target.Parent()
	b.folders[folder.String()] = folder
}

// Close waits until all names that were given are on disk. It may be called more than
// once.
func (b *Batch) Close() error {
	if b == nil {
		return nil
	}
	b.lock.Lock()
	for b.running {
		b.idle.Wait()
	}
	folders := b.folders
	b.folders = make(map[string]Path)
	together := len(folders) >= worthAll && b.patient <= longestAll
	b.lock.Unlock()
	if together && syncFolders(folders) {
		return nil
	}
	var errs []error
	for _, folder := range folders {
		if err := syncDir(folder.mount.tree, folder.inTree()); err != nil {
			errs = append(errs, failure("writing", folder.String(), err))
		}
	}
	return errors.Join(errs...)
}

// syncFolders is syncAll for folders.
func syncFolders(folders map[string]Path) bool {
	done := make(map[uint64]bool)
	for _, folder := range folders {
		dir, err := folder.mount.OpenFile(folder.inTree(), os.O_RDONLY, 0)
		if err != nil {
			return false
		}
		device, ok := deviceOf(dir)
		ok = ok && (done[device] || syncFileSystem(dir))
		done[device] = true
		dir.Close()
		if !ok {
			return false
		}
	}
	return true
}
