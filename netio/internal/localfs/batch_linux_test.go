package localfs

import "testing"

func TestAtLeast(t *testing.T) {
	for release, want := range map[string]bool{
		"5.8.0": true, "5.10.0-28-amd64": true, "6.1": true, "10.0.1": true, "5.8": true, "6.18-rc3": true,
		"5.7.19": false, "4.18.0-553.el8.x86_64": false, "": false, "linux": false, "5": false,
	} {
		if got := atLeast(release, 5, 8); got != want {
			t.Errorf("%q: got %v", release, got)
		}
	}
}
