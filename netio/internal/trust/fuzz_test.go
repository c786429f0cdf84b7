package trust

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A pin that is read is written in one way, and reads as the same again.
func FuzzParseCertificatePin(f *testing.F) {
	f.Add("SHA256:p2QAMXNIC1TJYWeIOttrVc98/R1BUFWu3/LiyKgUfQM")
	f.Add("SHA256:p2QAMXNIC1TJYWeIOttrVc98/R1BUFWu3/LiyKgUfQM=")
	f.Add("SHA256:" + strings.Repeat("AB:", 31) + "CD")
	f.Add("SHA256:" + strings.Repeat("ab", 32))
	f.Add("sha256:abc")
	f.Fuzz(func(t *testing.T, text string) {
		sum, err := ParseCertificatePin(text)
		if err != nil {
			return
		}
		if again, err := ParseCertificatePin(sum.String()); err != nil || again != sum {
			t.Errorf("%q is %s, and that is %s, %v", text, sum, again, err)
		}
	})
}

// A record that can be read can be added to: the line is found again.
func FuzzRecorded(f *testing.F) {
	const pin = "SHA256:p2QAMXNIC1TJYWeIOttrVc98/R1BUFWu3/LiyKgUfQM"
	f.Add([]byte("# ours\n\nh:21 "+pin+" 2026-11-24\nother:990 x\n"), "h:21")
	f.Add([]byte("h:21"), "h:21")
	f.Add([]byte("\x00\r\n h:21\t"+pin), "H:21")
	f.Fuzz(func(t *testing.T, text []byte, place string) {
		known, err := recorded(text, place)
		if err != nil || len(known) > 0 || len(strings.Fields(place)) != 1 || strings.TrimSpace(place) != place || strings.HasPrefix(place, "#") {
			return
		}
		text = append(text, "\n"+place+" "+pin+" 2026-11-24\n"...)
		if known, err = recorded(text, place); err != nil || len(known) != 1 {
			t.Errorf("the line of %q is not found again: %v, %v", place, known, err)
		}
	})
}

// A revocation list is read whole or not at all, whatever it says of its own lengths, and
// what is read can be asked of any key.
func FuzzParseKRL(f *testing.F) {
	for _, name := range []string{"krl", "ca_only.krl"} {
		data, err := os.ReadFile(filepath.Join("testdata", "krl", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte(krlMagic + "\x00\x00\x00\x01"))
	certificate := krlKey(f, "cert_bitmap1002.pub")
	f.Fuzz(func(t *testing.T, data []byte) {
		list, err := parseKRL(data)
		if err == nil {
			list.revokes(certificate)
		}
	})
}
