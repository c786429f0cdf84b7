package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

const loopScript = `$s = 0
$i = 1
WHILE($i <= 10000000)
    $s = $s + $i
    $i = $i + 1
END WHILE
PRINT($s)
`

const loopLua = `local s, i = 0, 1
while i <= 10000000 do s = s + i; i = i + 1 end
print(s)
`

const fibScript = `FUNCTION fib($n)
    IF($n < 2)
        RETURN $n
    END IF
    RETURN fib($n - 1) + fib($n - 2)
END FUNCTION
PRINT(fib(30))
`

const fibLua = `local function fib(n)
  if n < 2 then return n end
  return fib(n - 1) + fib(n - 2)
end
print(fib(30))
`

const emptyGo = `package main

func main() {}
`

func contests(f flags) ([]contest, error) {
	at := func(name string) string { return filepath.Join(f.scratch, name) }
	write := func(name, text string) error { return os.WriteFile(at(name), []byte(text), 0o600) }
	for name, text := range map[string]string{"loop.ftp": loopScript, "loop.lua": loopLua, "fib.ftp": fibScript, "fib.lua": fibLua, "empty.go": emptyGo, "one.ftp": `PRINT("hello")` + "\n"} {
		if err := write(name, text); err != nil {
			return nil, err
		}
	}
	sftpc, runner := filepath.Join(f.bin, "sftpc"), filepath.Join(f.bin, "sftpc-run")
	for _, command := range [][]string{
		{sftpc, "build", at("loop.ftp"), "-o", at("loop.ftpc")},
		{sftpc, "build", at("fib.ftp"), "-o", at("fib.ftpc")},
		{sftpc, "build", at("one.ftp"), "-o", at("one.ftpc")},
		{"go", "build", "-o", at("empty"), at("empty.go")},
	} {
		if out, err := exec.Command(command[0], command[1:]...).CombinedOutput(); err != nil {
			return nil, fmt.Errorf("%v: %w\n%s", command, err, out)
		}
	}
	all := []contest{
		{name: "sum loop of 10 million turns, against Lua 5.4", tool: "lua5.4", goal: 1.5, check: sameOutput,
			ours: []string{runner, at("loop.ftpc")}, theirs: []string{"lua5.4", at("loop.lua")}},
		{name: "fib(30), 1.3 million calls of a function, against Lua 5.4", tool: "lua5.4", goal: 2, check: sameOutput,
			ours: []string{runner, at("fib.ftpc")}, theirs: []string{"lua5.4", at("fib.lua")}},
		{name: "start of a one-line bundle, against an empty Go program", tool: "go", goalDelta: 3e6,
			ours: []string{runner, at("one.ftpc")}, theirs: []string{at("empty")}},
	}
	if f.ftp == "" {
		fmt.Println("transfers are left out:", f.without)
		return all, nil
	}
	transfers, err := transferContests(f, sftpc, at)
	return append(all, transfers...), err
}

// transferContests move one file from and to a real server.
func transferContests(f flags, sftpc string, at func(string) string) ([]contest, error) {
	size := int64(f.megabytes) << 20
	big, err := os.Create(at("big.bin"))
	if err != nil {
		return nil, err
	}
	defer big.Close()
	block := make([]byte, 1<<20)
	for i := range block {
		block[i] = byte(i * 2654435761 >> 11)
	}
	for range f.megabytes {
		if _, err := big.Write(block); err != nil {
			return nil, err
		}
	}
	login := fmt.Sprintf("OPENHOST(%q,%q,%q)\n", f.ftp, f.user, f.password)
	for name, text := range map[string]string{
		"get.ftp": login + `GETFILE("bench-big.bin","ours.bin")` + "\nCLOSEHOST\n",
		"put.ftp": login + `PUTFILE("big.bin","bench-ours.bin")` + "\nCLOSEHOST\n",
	} {
		if err := os.WriteFile(at(name), []byte(text), 0o600); err != nil {
			return nil, err
		}
	}
	url := "ftp://" + f.ftp + "/"
	account := f.user + ":" + f.password
	upload := exec.Command("curl", "-sS", "-u", account, "-T", at("big.bin"), url+"bench-big.bin")
	if out, err := upload.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("uploading the file to fetch: %w\n%s", err, out)
	}
	whole := func(name string) func(string, string) error {
		return func(string, string) error {
			for _, file := range []string{name, "theirs.bin"} {
				if info, err := os.Stat(at(file)); err == nil && info.Size() != size {
					return errSize
				}
			}
			return nil
		}
	}
	in := func(script string) []string {
		return []string{"sh", "-c", `cd "$1" && exec "$2" run -q "$3"`, "sh", f.scratch, sftpc, at(script)}
	}
	sh := func(words ...string) []string {
		return append([]string{"sh", "-c", `cd "$1"; shift; exec "$@"`, "sh", f.scratch}, words...)
	}
	remove := func() error {
		os.Remove(at("ours.bin"))
		os.Remove(at("theirs.bin"))
		return nil
	}
	name := fmt.Sprintf("%d MiB", f.megabytes)
	return []contest{
		{name: name + " from the server, against curl", tool: "curl", goal: 1.1, prepare: remove, check: whole("ours.bin"),
			ours: in("get.ftp"), theirs: sh("curl", "-sS", "-u", account, "-o", "theirs.bin", url+"bench-big.bin")},
		{name: name + " to the server, against curl", tool: "curl", goal: 1.1,
			ours: in("put.ftp"), theirs: sh("curl", "-sS", "-u", account, "-T", "big.bin", url+"bench-theirs.bin")},
	}, nil
}
