package listing

import (
	"bytes"

	"github.com/sftpc/sftpc/netio/session"
)

// zos reads what the server of z/OS writes of data sets, of the members of a
// partitioned data set, and of jobs. Which of them it is stands in the first line
// only, and without it no line is understood:
//
//	Volume Unit    Referred Ext Used Recfm Lrecl BlkSz Dsorg Dsname
//	WYOSPT 3390   2024/05/21  1  200  FB      80  8053  PS  PAYROLL.DATA
//	Migrated                                                PAYROLL.OLD
//
//	 Name     VV.MM   Created       Changed      Size  Init   Mod   Id
//	MEMBER    01.02 2024/03/22 2024/03/23 10:30    60    60     0 JANE
//
//	 Name      Size     TTR   Alias-of AC --------- Attributes --------- Amode Rmode
//	LOADMOD   000058   000009          00 FO             RN RU            31    ANY
//
//	JOBNAME  JOBID    OWNER    STATUS CLASS
//	JANE1    JOB00123 JANE     OUTPUT A        RC=0000 4 spool files
//
// A name in quotes is a whole one, and keeps them: without, a command would take
// it to begin in the current directory. A partitioned data set is a directory.
// Sizes are in tracks and records, so none in bytes is told; the day of the last
// use is no time of a change. Files of its Unix side look as Unix has them.
type zos struct {
	clock  clock
	layout zosLayout
}

type zosLayout uint8

const (
	noLayout zosLayout = iota
	dataSets
	members
	loadModules
	jobs
)

func (d *zos) read(line []byte) (e session.Entry, name []byte, v verdict) {
	if layout := layoutOf(line); layout != noLayout {
		d.layout = layout
		return e, nil, nothing
	}
	f := fields{line: line}
	ok := false
	switch d.layout {
	case dataSets:
		e, name, ok = dataSet(&f)
	case members:
		e, name, ok = d.member(&f)
	case loadModules:
		e, name, ok = loadModule(&f)
	case jobs:
		e, name, ok = job(&f)
	}
	if !ok {
		return e, nil, unknown
	}
	return e, name, entry
}

// layoutOf recognises a first line by its words.
func layoutOf(line []byte) zosLayout {
	f := fields{line: line}
	first, second, third := f.next(), f.next(), f.next()
	switch {
	case string(first) == "Volume" && string(second) == "Unit":
		return dataSets
	case string(first) == "Name" && string(second) == "VV.MM":
		return members
	case string(first) == "Name" && string(second) == "Size" && string(third) == "TTR":
		return loadModules
	case string(first) == "JOBNAME" && string(second) == "JOBID":
		return jobs
	}
	return noLayout
}

// dataSet reads a line of which columns may be missing and may run into each
// other; the last two are the organisation and the name. Names have no blanks.
func dataSet(f *fields) (e session.Entry, name []byte, ok bool) {
	e = session.Entry{Size: -1}
	first, count := f.next(), 1
	var organisation []byte
	for field := f.next(); field != nil; field = f.next() {
		organisation, name = name, field
		count++
	}
	if name == nil || !isDataSetName(name) {
		return e, nil, false
	}
	switch word := string(bytes.ToUpper(first)); {
	case count == 2 && (word == "MIGRATED" || word == "ARCIVE" || word == "ARCHIVE"):
		return e, name, true
	case count == 3 && string(bytes.ToUpper(organisation)) == "DIRECTORY" && word == "PSEUDO":
		e.Kind = session.KindDir
		return e, name, true
	case count == 3 && string(bytes.ToUpper(organisation)) == "TAPE":
		return e, name, true
	case count < 3:
		return e, nil, false
	}
	switch string(bytes.ToUpper(organisation)) {
	case "PS", "PS-E", "PSU", "PS-L", "DA", "DAU", "NONE", "GDG":
		return e, name, true
	case "PO", "PO-E", "POU", "PDSE":
		e.Kind = session.KindDir
		return e, name, true
	case "VSAM", "VS", "IS", "ISU", "PATH", "AIX", "CATALOG", "ALIAS":
		e.Kind = session.KindOther
		return e, name, true
	}
	return e, nil, false
}

// isDataSetName tells a data set's name, perhaps in quotes, from other words.
func isDataSetName(text []byte) bool {
	if len(text) > 2 && text[0] == '\'' && text[len(text)-1] == '\'' {
		text = text[1 : len(text)-1]
	}
	for _, c := range text {
		switch {
		case c >= 'A' && c <= 'Z', c >= 'a' && c <= 'z', c >= '0' && c <= '9':
		case c == '.', c == '-', c == '$', c == '#', c == '@', c >= 0x80: // national letters
		default:
			return false
		}
	}
	return len(text) <= 64
}

// member reads a line with the statistics that an editor leaves, or only a name.
func (d *zos) member(f *fields) (e session.Entry, name []byte, ok bool) {
	e = session.Entry{Size: -1}
	name = f.next()
	if !isMemberName(name) {
		return e, nil, false
	}
	if f.peek() == nil {
		return e, name, true
	}
	version, _, _ := bytes.Cut(f.next(), []byte{'.'})
	if _, ok := small(version, 1, 2); !ok {
		return e, nil, false
	}
	created, ok := slashedDay(f.next())
	changed, also := slashedDay(f.next())
	h, _, timed := timeOfDay(f.next())
	if !ok || !also || !timed || !created.valid() {
		return e, nil, false
	}
	when, ok := d.clock.at(changed, h)
	e.Time, e.Grain = when.time, when.grain
	return e, name, ok
}

func slashedDay(text []byte) (day, bool) {
	if bytes.IndexByte(text, '/') < 0 {
		return day{}, false
	}
	d, ok := numericDay(text)
	return d, ok && d.year > 0
}

// loadModule reads a line of a program library.
func loadModule(f *fields) (e session.Entry, name []byte, ok bool) {
	e = session.Entry{Size: -1}
	name = f.next()
	return e, name, isMemberName(name) && isHexadecimal(f.next()) && isHexadecimal(f.next())
}

// job reads a line of a spool. RETR takes the job's number for a name.
func job(f *fields) (e session.Entry, name []byte, ok bool) {
	e = session.Entry{Size: -1}
	owner := f.next()
	name = f.next()
	if !isMemberName(owner) || len(name) < 4 {
		return e, nil, false
	}
	for i, c := range name {
		if i >= 3 && (c < '0' || c > '9') || i == 0 && (c < 'A' || c > 'Z') {
			return e, nil, false
		}
	}
	return e, name, f.peek() != nil
}

func isMemberName(text []byte) bool {
	return len(text) > 0 && len(text) <= 8 && isDataSetName(text) && !bytes.ContainsAny(text, ".'")
}

func isHexadecimal(text []byte) bool {
	return len(text) > 0 && len(bytes.Trim(text, "0123456789abcdefABCDEF")) == 0
}
