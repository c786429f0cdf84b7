package trust

// CheckKnownHosts reads a file of host keys as a login would. It returns how many
// keys are in it and a sentence for each line that is left out; a missing file is an
// empty one. The error is for a file that cannot be read.
func CheckKnownHosts(file string) (keys int, damaged []string, err error) {
	known, err := readKnownHosts([]string{file})
	if err != nil {
		return 0, nil, err
	}
	return len(known.lines), known.damaged, nil
}
