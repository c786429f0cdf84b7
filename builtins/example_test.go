package builtins_test

import (
	"bytes"
	"context"
	"fmt"
	"os"

	"github.com/sftpc/sftpc/builtins"
	"github.com/sftpc/sftpc/builtins/catalog"
	"github.com/sftpc/sftpc/compiler"
	"github.com/sftpc/sftpc/vm"
	"github.com/sftpc/sftpc/vm/bytecode"
)

// Three steps from a script to a run: a host that says what scripts may touch, a
// program, a job.
func Example() {
	host, err := builtins.NewHost(builtins.Options{})
	if err != nil {
		panic(err)
	}
	source := []byte(`PRINT("Hello, " . GETPARAM(1) . "!")` + "\n" + `LOCALCHDIR("/etc")` + "\n")
	program, mistakes := compiler.Compile("hello.ftp", source, host.Catalog(), compiler.Options{})
	if mistakes.HasErrors() {
		panic(mistakes)
	}
	result, err := host.Run(context.Background(), program, builtins.Job{
		Args:   []string{"world"},
		Stdout: os.Stdout,
		Events: builtins.NewTranscript(os.Stdout, builtins.TranscriptOptions{Quiet: true}).Write,
	})
	if err != nil {
		panic(err)
	}
	fmt.Println("status", result.Status)
	fmt.Println(result.Failures[0].Result.Name)
	// The failure's lines depend on Options; its result does not.
	// Output:
	// Hello, world!
	// hello.ftp:2: LOCALCHDIR("/etc") failed: denied by policy (DENIED 20801, denied)
	//   cause   resolving /etc: this run has no local files
	// 1 command failed: line 2
	// status 126
	// DENIED
}

// A bundle that was built elsewhere needs no compiler.
func ExampleHost_Run_bundle() {
	host, err := builtins.NewHost(builtins.Options{})
	if err != nil {
		panic(err)
	}
	built, mistakes := compiler.Compile("job.ftp", []byte("PRINT(6 * 7)\n"), host.Catalog(), compiler.Options{})
	if mistakes.HasErrors() {
		panic(mistakes)
	}
	bundle, err := bytecode.Encode(built)
	if err != nil {
		panic(err)
	}

	program, err := bytecode.Load(bytes.NewReader(bundle))
	if err != nil {
		panic(err)
	}
	result, err := host.Run(context.Background(), program, builtins.Job{Stdout: os.Stdout})
	fmt.Println(result.Status, err)
	// Output:
	// 42
	// 0 <nil>
}

// A command of the embedder's own is known to the compiler, to help and to the
// linker at once.
func ExampleHost_Add() {
	host, err := builtins.NewHost(builtins.Options{})
	if err != nil {
		panic(err)
	}
	row := catalog.Command{
		Name: "GREET", Kind: catalog.Telling, Family: catalog.FamilyText, Summary: "a greeting",
		Forms: []catalog.Form{{Params: []catalog.Param{{Name: "name"}}}},
	}
	err = host.Add(row, func(c *vm.Call) error {
		c.ReturnText("Good morning, " + c.Text(0))
		return nil
	})
	if err != nil {
		panic(err)
	}
	program, mistakes := compiler.Compile("job.ftp", []byte(`PRINT(GREET("Ada"))`+"\n"), host.Catalog(), compiler.Options{})
	if mistakes.HasErrors() {
		panic(mistakes)
	}
	if _, err := host.Run(context.Background(), program, builtins.Job{Stdout: os.Stdout}); err != nil {
		panic(err)
	}
	// Output: Good morning, Ada
}
