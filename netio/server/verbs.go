package server

// argumentRule says whether a verb is followed by something.
type argumentRule uint8

const (
	optional argumentRule = iota
	none
	needed
)

// verb is one row of the table of commands.
type verb struct {
	run      func(*session, *command)
	argument argumentRule
	login    bool   // refused with 530 before a login
	writes   bool   // refused with 550 on a read-only server
	feature  string // its line in FEAT, "" for none
}

// verbTable is what the server understands. HELP and FEAT are made from it.
func verbTable() map[string]verb {
	return map[string]verb{
		// The session (login.go, tls.go)
		"USER": {run: (*session).setUser, argument: needed},
		"PASS": {run: (*session).pass},
		"ACCT": {run: (*session).acct, argument: needed},
		"REIN": {run: (*session).rein, argument: none},
		"QUIT": {run: (*session).quit},
		"NOOP": {run: (*session).noop},
		"SYST": {run: (*session).syst, argument: none},
		"FEAT": {run: (*session).feat, argument: none},
		"OPTS": {run: (*session).opts, argument: needed, feature: "UTF8"},
		"HELP": {run: (*session).help},
		"AUTH": {run: (*session).auth, feature: "AUTH TLS"},
		"PBSZ": {run: (*session).pbsz, argument: needed, feature: "PBSZ"},
		"PROT": {run: (*session).prot, argument: needed, feature: "PROT"},

		// How data is represented and connections are made (data.go)
		"TYPE": {run: (*session).setType, argument: needed, login: true},
		"MODE": {run: (*session).mode, argument: needed, login: true},
		"STRU": {run: (*session).stru, argument: needed, login: true},
		"PORT": {run: (*session).port, argument: needed, login: true},
		"EPRT": {run: (*session).eprt, argument: needed, login: true, feature: "EPRT"},
		"PASV": {run: (*session).pasv, argument: none, login: true},
		"EPSV": {run: (*session).epsv, login: true, feature: "EPSV"},

		// Transfers (transfer.go)
		"REST": {run: (*session).rest, argument: needed, login: true, feature: "REST STREAM"},
		"RETR": {run: (*session).retr, argument: needed, login: true},
		"STOR": {run: (*session).stor, argument: needed, login: true, writes: true},
		"APPE": {run: (*session).appe, argument: needed, login: true, writes: true},
		"STOU": {run: (*session).stou, login: true, writes: true},
		"ALLO": {run: (*session).allo, argument: needed, login: true},
		"ABOR": {run: (*session).abor, login: true},

		// Listings (listing.go)
		"LIST": {run: (*session).list, login: true},
		"NLST": {run: (*session).nlst, login: true},
		"MLSD": {run: (*session).mlsd, login: true},
		"MLST": {run: (*session).mlst, login: true, feature: "MLST"},
		"STAT": {run: (*session).stat},

		// Files and directories (files.go)
		"SIZE": {run: (*session).size, argument: needed, login: true, feature: "SIZE"},
		"MDTM": {run: (*session).mdtm, argument: needed, login: true, feature: "MDTM"},
		"MFMT": {run: (*session).mfmt, argument: needed, login: true, writes: true, feature: "MFMT"},
		"RNFR": {run: (*session).rnfr, argument: needed, login: true, writes: true},
		"RNTO": {run: (*session).rnto, argument: needed, login: true, writes: true},
		"DELE": {run: (*session).dele, argument: needed, login: true, writes: true},
		"MKD":  {run: (*session).mkd, argument: needed, login: true, writes: true},
		"XMKD": {run: (*session).mkd, argument: needed, login: true, writes: true},
		"RMD":  {run: (*session).rmd, argument: needed, login: true, writes: true},
		"XRMD": {run: (*session).rmd, argument: needed, login: true, writes: true},
		"CWD":  {run: (*session).cwd, argument: needed, login: true, feature: "TVFS"},
		"XCWD": {run: (*session).cwd, argument: needed, login: true},
		"CDUP": {run: (*session).cdup, argument: none, login: true},
		"XCUP": {run: (*session).cdup, argument: none, login: true},
		"PWD":  {run: (*session).pwd, argument: none, login: true},
		"XPWD": {run: (*session).pwd, argument: none, login: true},
		"HASH": {run: (*session).hash, argument: needed, login: true, feature: "HASH"},

		// Hashes by commands of their own (hash.go)
		"XSHA512": {run: plainHash("SHA-512"), argument: needed, login: true, feature: "XSHA512"},
		"XSHA256": {run: plainHash("SHA-256"), argument: needed, login: true, feature: "XSHA256"},
		"XSHA1":   {run: plainHash("SHA-1"), argument: needed, login: true, feature: "XSHA1"},
		"XMD5":    {run: plainHash("MD5"), argument: needed, login: true, feature: "XMD5"},
		"XCRC":    {run: plainHash("CRC32"), argument: needed, login: true, feature: "XCRC"},

		"SITE": {run: (*session).site, argument: needed, login: true, feature: "SITE UTIME"},
	}
}

func (s *Server) verb(name string) (verb, bool) {
	v, ok := s.verbs[name]
	return v, ok
}
