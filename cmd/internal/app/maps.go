package app

import (
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"strings"
)

// HostMap reads --host NAME=ADDRESS[:PORT], for Options.HostMap.
func HostMap(values []string) (map[string]string, error) {
	hosts := map[string]string{}
	for _, v := range values {
		name, address, ok := strings.Cut(v, "=")
		if !ok || name == "" || address == "" {
			return nil, fmt.Errorf("--host %s: expected NAME=ADDRESS or NAME=ADDRESS:PORT", v)
		}
		if host, port, err := net.SplitHostPort(address); err == nil {
			if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 || host == "" {
				return nil, fmt.Errorf("--host %s: %q is not a port", v, port)
			}
		}
		if _, twice := hosts[strings.ToLower(name)]; twice {
			return nil, fmt.Errorf("--host %s: %s is mapped twice", v, name)
		}
		hosts[strings.ToLower(name)] = address
	}
	return hosts, nil
}

// DriveMap reads --drive C=DIR and --drive '\\server\share=DIR', for Options.Drives.
// Folders are taken from dir if they are relative.
func DriveMap(values []string, dir string) (map[string]string, error) {
	drives := map[string]string{}
	for _, v := range values {
		name, folder, ok := strings.Cut(v, "=")
		name = strings.TrimSuffix(name, ":")
		if !ok || folder == "" || !isDrive(name) && !isShare(name) {
			return nil, fmt.Errorf(`--drive %s: expected C=DIR or '\\server\share=DIR'`, v)
		}
		if !filepath.IsAbs(folder) {
			folder = filepath.Join(dir, folder)
		}
		key := strings.ToUpper(name)
		if isShare(name) {
			key = `\\` + strings.ToLower(strings.ReplaceAll(name[2:], "/", `\`))
		}
		if _, twice := drives[key]; twice {
			return nil, fmt.Errorf("--drive %s: %s is mapped twice", v, name)
		}
		drives[key] = folder
	}
	return drives, nil
}

func isDrive(name string) bool {
	return len(name) == 1 && (name[0]|0x20 >= 'a' && name[0]|0x20 <= 'z')
}

func isShare(name string) bool {
	if !strings.HasPrefix(name, `\\`) && !strings.HasPrefix(name, "//") {
		return false
	}
	parts := strings.FieldsFunc(name, func(r rune) bool { return r == '\\' || r == '/' })
	return len(parts) == 2
}
