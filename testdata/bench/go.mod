module github.com/sftpc/sftpc/testdata/bench

go 1.26.0
