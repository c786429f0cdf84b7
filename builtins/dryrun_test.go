package builtins

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sftpc/sftpc/builtins/catalog"
	"github.com/sftpc/sftpc/netio/session"
)

// harmless is what each command of the catalogue is called with in a dry run, after
// OPENHOST: whatever it may change must be tried. A new command needs a row here.
var harmless = map[string][]string{
	"ADDEXCLUSION":   {`ADDEXCLUSION(REMOTE, "*.bak")`},
	"CHDIR":          {`CHDIR("sub")`, `CHDIR("..")`},
	"CHMOD":          {`CHMOD("a.txt", 600)`},
	"CLEAREXCLUSION": {`CLEAREXCLUSION`},
	"CLOSEHOST":      {`CLOSEHOST`},
	"CWDIR":          {`PRINT(CWDIR)`},
	"DELETEFILE":     {`DELETEFILE("a.txt")`, `DELETEFILE("*")`, `DELETEFILE("sub/c.txt")`},
	"EXEC": {`EXEC("del own.txt")`, `EXEC("copy own.txt copy.txt")`, `EXEC("move own.txt moved.txt")`, `EXEC("ren up\one.txt uno.txt")`, `EXEC("md made")`, `EXEC("rd empty")`,
		`EXEC("echo harm > harm.txt")`, `EXEC("touch", "harm.txt")`},
	"EXIT":            {`IF(1 == 2)`, `EXIT(3)`, `END IF`},
	"FILEEXISTS":      {`PRINT(FILEEXISTS("a.txt"))`, `PRINT(FILEEXISTS(LOCAL, "own.txt"))`},
	"GETDATE":         {`PRINT(GETDATE)`},
	"GETENV":          {`$x = GETENV("X")`},
	"GETERROR":        {`PRINT(GETERROR)`},
	"GETFILE":         {`GETFILE("a.txt")`, `GETFILE("*", SUBDIRS)`, `GETFILE("a.txt", "own.txt")`, `GETFILE("sub/c.txt", "up/one.txt")`},
	"GETFILESIZE":     {`PRINT(GETFILESIZE("a.txt"))`},
	"GETFILETIME":     {`PRINT(GETFILETIME("a.txt"))`},
	"GETHASH":         {`PRINT(GETHASH(REMOTE, "a.txt"))`, `PRINT(GETHASH(LOCAL, "own.txt", MD5))`},
	"INT":             {`PRINT(INT(1.5))`},
	"LISTADD":         {`PRINT(LISTADD("a", "b"))`},
	"LISTCONTAINS":    {`PRINT(LISTCONTAINS("a|b", "b"))`},
	"LISTITEM":        {`PRINT(LISTITEM("a|b", 1))`},
	"LISTLENGTH":      {`PRINT(LISTLENGTH("a|b"))`},
	"LISTREMOVE":      {`PRINT(LISTREMOVE("a|b", "a"))`},
	"LISTSORT":        {`PRINT(LISTSORT("b|a"))`},
	"LOCALCOPYFILE":   {`LOCALCOPYFILE("own.txt", "copy.txt")`, `LOCALCOPYFILE("own.txt", "up/one.txt", OVERWRITE)`},
	"LOCALDELETEFILE": {`LOCALDELETEFILE("own.txt")`, `LOCALDELETEFILE("up/*")`},
	"LOCALRENAMEFILE": {`LOCALRENAMEFILE("own.txt", "moved.txt")`, `LOCALRENAMEFILE("moved.txt", "up/one.txt", OVERWRITE)`},
	"MOD":             {`PRINT(MOD(7, 3))`},
	"READFILE":        {`PRINT(READFILE("own.txt"))`},
	"ROUND":           {`PRINT(ROUND(1.5))`},
	"TEXTEQUAL":       {`PRINT(TEXTEQUAL("a", "b"))`},
	"TEXTFIND":        {`PRINT(TEXTFIND("abc", "b"))`},
	"TEXTLOWER":       {`PRINT(TEXTLOWER("ABC"))`},
	"TEXTMATCH":       {`PRINT(TEXTMATCH("abc", "b"))`},
	"TEXTREPLACE":     {`PRINT(TEXTREPLACE("abc", "b", "x"))`},
	"TEXTSPLIT":       {`PRINT(TEXTSPLIT("a,b", ","))`},
	"TEXTTRIM":        {`PRINT(TEXTTRIM(" abc "))`},
	"TEXTUPPER":       {`PRINT(TEXTUPPER("abc"))`},
	"WRITEFILE":       {`WRITEFILE("new.txt", "text")`, `WRITEFILE("own.txt", "text")`, `WRITEFILE("up/one.txt", "text", APPEND)`, `WRITEFILE("made.txt", "text", APPEND)`},
	"GETLIST":         {`GETLIST($l, REMOTE_FILES)`, `GETLIST($l, LOCAL_FILES)`},
	"GETPARAM":        {`PRINT(GETPARAM(0))`},
	"GETREPLY":        {`PRINT(GETREPLY)`},
	"GETSECRET":       {`$x = GETSECRET("X")`},
	"GETTIME":         {`PRINT(GETTIME)`},
	"LOCALCHDIR":      {`LOCALCHDIR("up")`, `LOCALCHDIR("..")`},
	"LOCALCWDIR":      {`PRINT(LOCALCWDIR)`},
	"LOCALMKDIR":      {`LOCALMKDIR("made")`},
	"LOCALRMDIR":      {`LOCALRMDIR("empty")`},
	"LOGTO":           {`LOGTO("log.txt")`, `LOGTO("own.txt", OVERWRITE)`, `LOGTO("up/one.txt", APPEND)`},
	"MKDIR":           {`MKDIR("made")`, `MKDIR("made/in")`},
	"OPENHOST":        {`OPENHOST("ftp.test","joe","pass-word-1")`},
	"PRINT":           {`PRINT("x")`},
	"PUTFILE":         {`PUTFILE("own.txt")`, `PUTFILE("up/*", SUBDIRS)`, `PUTFILE("own.txt", "a.txt")`, `PUTFILE("own.txt", "sub/c.txt")`},
	"RAWCOMMAND":      {`RAWCOMMAND("SITE CHMOD 600 a.txt")`, `RAWCOMMAND("DELE a.txt")`, `RAWCOMMAND("MKD raw")`},
	"RENAMEFILE":      {`RENAMEFILE("a.txt", "z.txt")`, `RENAMEFILE("sub", "bus")`, `RENAMEFILE("b.txt", "bus/b.txt")`},
	"RMDIR":           {`RMDIR("bare")`},
	"SILENT":          {`SILENT(OFF)`},
	"SLEEP":           {`SLEEP(0)`},
	"STOP":            {`IF(1 == 2)`, `STOP`, `END IF`},
	"SYNC": {`SYNC("up", "/sub", UPLOAD, SUBDIRS)`, `SYNC("up", "/sub", UPLOAD_DELETE, SUBDIRS)`,
		`SYNC("/", "/", DOWNLOAD, SUBDIRS)`, `SYNC("/", "/", DOWNLOAD_DELETE, SUBDIRS)`},
	"TEXTCUT":    {`PRINT(TEXTCUT("abc", 1, 1))`},
	"TEXTLENGTH": {`PRINT(TEXTLENGTH("abc"))`},
	"VERBOSE":    {`VERBOSE(ON)`},
	"WAITFILE":   {`WAITFILE(REMOTE, "a.txt", 0)`},

	"SETACTIVEADDRESS":  {`SETACTIVEADDRESS("")`},
	"SETACTIVEPORTS":    {`SETACTIVEPORTS(0, 0)`},
	"SETAFTER":          {`SETAFTER(DELETE)`, `GETFILE("*")`, `PUTFILE("own.txt")`, `SETAFTER("done")`, `GETFILE("sub/*")`, `PUTFILE("up/*")`, `SETAFTER(KEEP)`},
	"SETALGORITHMS":     {`SETALGORITHMS(SAFE)`},
	"SETBACKUP":         {`SETBACKUP("bak")`, `GETFILE("a.txt", "own.txt")`, `PUTFILE("up/one.txt", "b.txt")`, `SETUPLOADMODE(ATOMIC)`, `PUTFILE("up/one.txt", "a.txt")`},
	"SETCERTIFICATE":    {`SETCERTIFICATE(NONE)`},
	"SETCLIENTCERT":     {`SETCLIENTCERT(NONE)`},
	"SETCLOCKDIFF":      {`SETCLOCKDIFF(0)`},
	"SETDELETELIMIT":    {`SETDELETELIMIT(ALL)`, `SYNC("empty", "/sub", UPLOAD_DELETE, SUBDIRS)`},
	"SETDRYRUN":         {`SETDRYRUN(ON)`, `SETDRYRUN(OFF)`, `DELETEFILE("b.txt")`},
	"SETENCODING":       {`SETENCODING(AUTO)`},
	"SETFEATURE":        {`SETFEATURE(EPSV, AUTO)`},
	"SETFILTER":         {`SETFILTER(NONE)`},
	"SETHOSTKEY":        {`SETTRUST(STRICT)`},
	"SETKEYFILE":        {`SETKEYFILE(NONE)`},
	"SETPARALLEL":       {`SETPARALLEL(4)`, `GETFILE("*", SUBDIRS)`, `PUTFILE("up/*", SUBDIRS)`},
	"SETPASSIVE":        {`SETPASSIVE(ENABLED)`},
	"SETPASSIVEADDRESS": {`SETPASSIVEADDRESS(CONTROL)`},
	"SETPORT":           {`SETPORT(DEFAULT)`},
	"SETPROTECTION":     {`SETPROTECTION(PRIVATE)`},
	"SETPROTOCOL":       {`PRINT("protocol")`},
	"SETPROXY":          {`SETPROXY("")`},
	"SETRETRY":          {`SETRETRY(1)`},
	"SETSPEED":          {`SETSPEED(1)`, `GETFILE("*")`},
	"SETSTABLE":         {`SETSTABLE(1)`, `GETFILE("*")`, `PUTFILE("up/*")`},
	"SETTIMEOUT":        {`SETTIMEOUT(60)`},
	"SETTRUST":          {`SETTRUST(STRICT)`},
	"SETTYPE":           {`SETTYPE(ASCII)`, `GETFILE("a.txt")`, `PUTFILE("own.txt")`, `SETTYPE(BINARY)`},
	"SETUPLOADMODE": {`SETUPLOADMODE(ATOMIC)`, `PUTFILE("own.txt", "a.txt")`, `SETUPLOADMODE(APPEND)`, `PUTFILE("own.txt", "a.txt")`, `SETUPLOADMODE(UNIQUE)`, `PUTFILE("own.txt")`,
		`SETUPLOADMODE(SKIP)`, `PUTFILE("own.txt", "a.txt")`, `SETUPLOADMODE(RESUME)`, `PUTFILE("own.txt", "b.txt")`},
	"SETVERIFY": {`SETVERIFY(HASH)`, `GETFILE("a.txt")`, `PUTFILE("own.txt")`, `SETVERIFY(OFF)`, `PUTFILE("own.txt")`},
}

// snapshot is all that can be seen of a tree, times and permissions included.
func snapshot(t *testing.T, dir string) []string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		text := ""
		if info.Mode().IsRegular() {
			bytes, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			text = string(bytes)
		}
		all = append(all, fmt.Sprintf("%s %v %d %v %q", path, info.Mode(), info.Size(), info.ModTime().UnixNano(), text))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// drySite is a site with files on both sides whose runs are dry.
func drySite(t *testing.T, test func(t *testing.T, s *site, scratch string)) {
	scratch := t.TempDir()
	o := siteOptions{files: map[string]string{"a.txt": "alpha", "b.txt": "beta", "sub/c.txt": "gamma", "bare/": ""}, options: func(o *Options) {
		o.DryRun, o.Scratch, o.Exec = true, scratch, ExecAll
		o.ExecEnviron = os.Environ()
		o.StateDir = filepath.Join(scratch, "state")
	}}
	sites(t, o, func(t *testing.T, s *site) {
		write(t, s.local, map[string]string{"own.txt": "own", "up/one.txt": "1", "up/in/two.txt": "22", "empty/": ""})
		at := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
		for _, name := range []string{"own.txt", "up/one.txt", "up/in/two.txt"} {
			aged(t, s.local, at, name)
		}
		test(t, s, scratch)
	})
}

// No command of the catalogue changes anything under a dry run, on either side.
func TestDryRun_noCommandHasAnEffect(t *testing.T) {
	for _, c := range catalog.Commands() {
		script, known := harmless[c.Name]
		if !known {
			t.Errorf("%s is not tried: give it a row in which it would change whatever it can", c.Name)
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			drySite(t, func(t *testing.T, s *site, scratch string) {
				remote, local := snapshot(t, s.remote), snapshot(t, s.local)
				var looked []string
				for _, line := range script {
					if !strings.HasPrefix(line, "$") && !strings.HasPrefix(line, "IF") && !strings.HasPrefix(line, "END") && !strings.HasPrefix(line, "PRINT") {
						line = "$r = " + line
					}
					looked = append(looked, line, `PRINT($r)`)
				}
				looked = slices.DeleteFunc(looked, func(line string) bool { return line == "$r = EXIT(3)" || line == "$r = STOP" })
				o := s.on(looked...)
				if o.err != nil {
					t.Fatalf("%v\n%s", o.err, o.transcript)
				}
				for side, dir := range map[string]string{"server's": s.remote, "local": s.local} {
					before := remote
					if dir == s.local {
						before = local
					}
					if after := snapshot(t, dir); !slices.Equal(before, after) {
						t.Errorf("%s: the %s files changed\n%s\nwere\n%s\n%s", c.Name, side, strings.Join(after, "\n"), strings.Join(before, "\n"), o.transcript)
					}
				}
				if left, _ := os.ReadDir(scratch); len(left) > 0 {
					t.Errorf("%s: %v is left", c.Name, left)
				}
			})
		})
	}
}

// Later commands see what earlier ones would have done, on both sides, and everything
// is told.
func TestDryRun_commandsSeeEarlierEffects(t *testing.T) {
	drySite(t, func(t *testing.T, s *site, _ string) {
		o := s.on(
			`GETFILE("a.txt")`, `PRINT(FILEEXISTS(LOCAL, "a.txt"))`, `PRINT(GETFILESIZE(LOCAL, "a.txt"))`,
			`GETLIST($l, LOCAL_FILES)`, `PRINT($l)`,
			`PUTFILE("a.txt", "copy.txt")`, `PRINT(FILEEXISTS("copy.txt"))`, `PRINT(GETFILESIZE("copy.txt"))`,
			`MKDIR("new")`, `CHDIR("new")`, `PRINT(CWDIR)`, `PUTFILE("own.txt")`, `GETLIST($l, REMOTE_FILES)`, `PRINT($l)`,
			`CHDIR("..")`, `PRINT(RMDIR("new") == DIRECTORY_NOT_EMPTY)`, `DELETEFILE("new/own.txt")`, `PRINT(RMDIR("new"))`, `PRINT(FILEEXISTS("new"))`,
			`RENAMEFILE("sub", "bus")`, `PRINT(GETFILESIZE("bus/c.txt"))`, `PRINT(FILEEXISTS("sub/c.txt"))`, `PRINT(CHDIR("sub") == NO_SUCH_REMOTE_FILE)`, `CHDIR("/")`,
			`GETFILE("bus/*")`, `PRINT(GETFILESIZE(LOCAL, "c.txt"))`,
			`DELETEFILE("*.txt")`, `GETLIST($l, REMOTE_FILES)`, `PRINT("[" . $l . "]")`,
			`EXEC("del a.txt")`, `PRINT(FILEEXISTS(LOCAL, "a.txt"))`,
			`LOCALMKDIR("made")`, `LOCALCHDIR("made")`, `GETFILE("bus/c.txt")`, `GETLIST($l, LOCAL_FILES)`, `PRINT($l)`, `PRINT(LOCALCHDIR("nowhere") == NO_SUCH_LOCAL_FILE)`,
		)
		want := strings.Join([]string{"TRUE", "5", "a.txt|own.txt", "TRUE", "5", "/new", "own.txt", "TRUE", "OK", "FALSE", "5", "FALSE", "TRUE", "5", "[]", "FALSE", "c.txt", "TRUE"}, "\n") + "\n"
		if o.stdout != want {
			t.Errorf("%q\nwant\n%q\n%s", o.stdout, want, o.transcript)
		}
		for _, line := range []string{
			"Would download a.txt to /a.txt, 5 bytes", "Would upload copy.txt, 5 bytes", "Would make the directory new on the server",
			"Would delete new/own.txt on the server", "Would remove the directory new on the server", "Would rename sub to bus on the server",
			"Would download bus/c.txt to /c.txt, 5 bytes", "Would delete a.txt on the server", "In all: 3 deletions", "Would delete /a.txt", "Would make the directory /made",
			"Dry run: 2 uploads of 8 bytes, 3 downloads of 15 bytes, 5 deletions, 1 renaming, 2 new directories, 1 removed directory; nothing of it was done.",
		} {
			if !o.has(line) {
				t.Errorf("%q is not told\n%s", line, o.transcript)
			}
		}
		for _, line := range []string{"Downloaded", "Uploaded", "Deleted"} {
			if o.has(line) {
				t.Errorf("%q is told\n%s", line, o.transcript)
			}
		}
		if o.result.Summary.Bytes != 0 {
			t.Errorf("%d bytes are said to have moved", o.result.Summary.Bytes)
		}
	})
}

// A set is told file by file and in all; a server that is opened again is as it would be.
func TestDryRun_totals(t *testing.T) {
	drySite(t, func(t *testing.T, s *site, _ string) {
		o := s.on(`SETAFTER(DELETE)`, `GETFILE("*.txt")`, `OPENHOST("ftp.test","joe","pass-word-1")`, `GETLIST($l, REMOTE_FILES)`, `PRINT("[" . $l . "]")`)
		if o.stdout != "[]\n" || !o.has("In all: 2 downloads of 9 bytes, 2 deletions") {
			t.Errorf("%q\n%s", o.stdout, o.transcript)
		}
	})
}

// What a script says does not end a dry run that the command line began; without that
// SETDRYRUN begins and ends one.
func TestSetDryRun(t *testing.T) {
	drySite(t, func(t *testing.T, s *site, _ string) {
		before := snapshot(t, s.remote)
		o := s.on(`PRINT(SETDRYRUN(OFF))`, `DELETEFILE("a.txt")`)
		if o.stdout != "OK\n" || !slices.Equal(before, snapshot(t, s.remote)) || !o.has("The dry run goes on") {
			t.Errorf("%q\n%s", o.stdout, o.transcript)
		}
	})
	scratch := t.TempDir()
	o := siteOptions{files: map[string]string{"a": "alpha", "b": "beta"}, options: func(o *Options) { o.Scratch = scratch }}
	sites(t, o, func(t *testing.T, s *site) {
		o := s.on(`SETDRYRUN(ON)`, `DELETEFILE("a")`, `PRINT(FILEEXISTS("a"))`, `GETFILE("b")`, `PRINT(FILEEXISTS(LOCAL,"b"))`, `SETDRYRUN(OFF)`,
			`PRINT(FILEEXISTS("a"))`, `PRINT(FILEEXISTS(LOCAL,"b"))`, `DELETEFILE("b")`)
		if o.stdout != "FALSE\nTRUE\nTRUE\nFALSE\n" || !o.has("Dry run: 1 download of 4 bytes, 1 deletion; nothing of it was done.") {
			t.Errorf("%q\n%s", o.stdout, o.transcript)
		}
		holds(t, s.remote, map[string]string{"a": "alpha"})
		holds(t, s.local, nil)
	})
	if left, _ := os.ReadDir(scratch); len(left) > 0 {
		t.Errorf("%v is left", left)
	}
	if o := newBench(t, Options{}).run(`PRINT(SETDRYRUN(ON) == NOT_SUPPORTED)`); o.stdout != "TRUE\n" {
		t.Errorf("%q", o.stdout)
	}
}

// Nothing is recorded of a server that a dry run meets for the first time.
func TestDryRun_recordsNoServer(t *testing.T) {
	dir := t.TempDir()
	known := filepath.Join(dir, "known_hosts")
	s := newSFTPSite(t, siteOptions{files: map[string]string{"a": "alpha"}, options: func(o *Options) {
		o.DryRun, o.Scratch = true, t.TempDir()
		o.Settings = map[string]string{"protocol": "SFTP", "trust": "NEW"}
		o.WeakestTrust, o.KnownHosts = session.TrustAny, []string{known}
	}})
	o := s.on(`PRINT(FILEEXISTS("a"))`)
	if _, err := os.Stat(known); o.stdout != "TRUE\n" || err == nil {
		t.Errorf("%q, %v\n%s", o.stdout, err, o.transcript)
	}
}

// The same for certificates.
func TestDryRun_recordsNoCertificate(t *testing.T) {
	known := filepath.Join(t.TempDir(), "known_certificates")
	s := safeSite(t, siteOptions{options: func(o *Options) {
		o.DryRun, o.Scratch, o.KnownCertificates = true, t.TempDir(), known
	}})
	o := s.run(`SETPROTOCOL(FTPS)`, `SETTRUST(NEW)`, `PRINT(OPENHOST("ftp.test","joe","pass-word-1"))`, `PRINT(OPENHOST("ftp.test","joe","pass-word-1"))`)
	if _, err := os.Stat(known); o.stdout != "OK\nOK\n" || err == nil {
		t.Errorf("%q, %v\n%s", o.stdout, err, o.transcript)
	}
}
