package bytecode_test

import (
	"strings"
	"testing"

	"github.com/sftpc/sftpc/vm/bytecode"
)

// source is a program that has every instruction and every table, as people would
// write it for the assembler.
const source = `
program "orders.ftp" language="0.1" globals=2
file "common.ftp"
import PRINT args=1 outs=0 doing
import GETLIST args=2 outs=1 doing
import GETFILESIZE/remote args=1 outs=0 telling

const "0"
const "item"

function main params=0 locals=6 stack=2
iterator r3
local r0 i
local r1 sum
local r2 list
local r3 -
local r4 -
local r5 item
range statement sized named named
range catch tried caught caught
  1:1    StoreConst $i "0"
         MoveLocal $sum $i
tried:
  2:1    LoadConst "REMOTE_FILES"
  2:9    LoadConst "*.xls"
         Call looked GETLIST
         StoreLocal $list
         StoreGlobal g0
sized:
  3:5    LoadConst "a.txt"
         CallStore unlooked GETFILESIZE/remote r1
         LoadConst "b.txt"
         CallDrop unlooked GETFILESIZE/remote
named:
  4:1    LoadLocal $list
         ForEachStart r3
next:
         ForEachStore r3 $item done
         LoadLocal $item
         AppendLocal $list 1
         Jump next
caught:
         LoadCaught
         StoreGlobal g1
         OnError stop
  5:1@1  LoadGlobal g1
         ForEachStart r3
again:   
         ForEachNext r3 done
         Pop
         Jump again
done:
  6:1    LoadConst "2"
         LoadConst "3"
         Add
         LoadConst "4"
         Sub
         LoadLocal r0
         Mul
         LoadConst "7"
         Div
         Neg
         LoadConst "1"
         CallFunction 2 f1
         CallFunction 1 f2
         LoadConst "x"
         Concat 2
         LoadConst "y"
         ConcatStore $item 2
         LoadLocal $i
         LoadLocal $sum
         Equal
         LoadLocal $sum
         NotEqual
         LoadLocal $sum
         Less
         LoadLocal $sum
         LessEqual
         LoadLocal $sum
         Greater
         LoadLocal $sum
         GreaterEqual
         Not
         Truth
         JumpIfTrue over
         LoadLocal $i
         JumpIfFalse over
         LoadConst "never"
         CallDrop unlooked PRINT
over:
  7:1    AddLocalLocal $sum $i
         AddLocalConst $i "1"
         SubLocalConst $sum "2"
         JumpCompareConst $i < "9" over
         JumpCompareLocals $sum >= $i over
         Halt

function twice params=2 locals=2 stack=1
  9:3    LoadLocal r0
         Return

function größe params=1 locals=1 stack=1
range statement told missing missing
told:
  12:3   LoadLocal r0
         Call unlooked GETFILESIZE/remote
         Return
missing:
         Abandon
`

// good is the program of source, verified.
func good(t testing.TB) *bytecode.Program {
	t.Helper()
	p := assemble(t, source)
	if err := bytecode.Verify(p); err != nil {
		t.Fatal(err)
	}
	return p
}

func assemble(t testing.TB, text string) *bytecode.Program {
	t.Helper()
	p, err := bytecode.Assemble(text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func listing(t testing.TB, p *bytecode.Program) string {
	t.Helper()
	var b strings.Builder
	if err := bytecode.Disassemble(&b, p); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
