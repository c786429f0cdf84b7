package catalog_test

import (
	"slices"
	"testing"

	"github.com/sftpc/sftpc/builtins/catalog"
)

func TestSyntax(t *testing.T) {
	want := map[string][]string{
		"STOP":           {"STOP"},
		"MKDIR":          {"MKDIR(directory)"},
		"OPENHOST":       {"OPENHOST(host [, user [, password]])"},
		"SETPASSIVE":     {"SETPASSIVE(ENABLED | DISABLED)"},
		"SETPORT":        {"SETPORT(port | DEFAULT)"},
		"CLEAREXCLUSION": {"CLEAREXCLUSION([LOCAL | REMOTE])"},
		"GETTIME":        {"GETTIME([format [, date]])"},
		"CWDIR":          {"CWDIR", "CWDIR($directory)"},
		"GETFILE":        {"GETFILE(name [, SUBDIRS])", "GETFILE(remote, local)"},
		"EXEC":           {"EXEC(command)", "EXEC(program, argument, ...)"},
		"GETLIST":        {"GETLIST($list, REMOTE_FILES | REMOTE_DIRS | LOCAL_FILES | LOCAL_DIRS | DONE | FAILED [, wildcard [, NAME | NEWEST | OLDEST]])"},
	}
	for _, c := range catalog.Commands() {
		lines, listed := want[c.Name]
		if got := catalog.Syntax(c); listed && !slices.Equal(got, lines) {
			t.Errorf("%s:\n got %q\nwant %q", c.Name, got, lines)
		}
		delete(want, c.Name)
	}
	for name := range want {
		t.Errorf("%s is not in the catalogue", name)
	}
}

func TestProtocolsString(t *testing.T) {
	for p, want := range map[catalog.Protocols]string{
		0: "none", catalog.OnFTP: "FTP", catalog.OnFTPx: "FTP, FTPS", catalog.OnAll: "FTP, FTPS, SFTP", catalog.OnSFTP: "SFTP",
	} {
		if got := p.String(); got != want {
			t.Errorf("protocols %d: got %q, want %q", p, got, want)
		}
	}
}
