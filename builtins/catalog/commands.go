package catalog

import (
	"slices"
	"strings"
)

// Commands returns every command, sorted by name. The rows are the caller's to
// keep: nothing is shared between calls.
func Commands() []Command {
	all := slices.Concat(
		connectionCommands(), settingCommands(), transferCommands(), remoteCommands(), localCommands(),
		listCommands(), outputCommands(), programCommands(), timeCommands(), textCommands(), numberCommands(), errorCommands(),
	)
	slices.SortFunc(all, func(a, b Command) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// one makes the forms of a command that has a single shape.
func one(params ...Param) []Form { return []Form{{Params: params}} }

func text(name string) Param    { return Param{Name: name} }
func number(name string) Param  { return Param{Name: name, Kind: ParamNumber} }
func local(name string) Param   { return Param{Name: name, Kind: ParamLocalPath} }
func remote(name string) Param  { return Param{Name: name, Kind: ParamRemotePath} }
func sided(name string) Param   { return Param{Name: name, Kind: ParamSidePath} }
func out(name string) Param     { return Param{Name: name, Kind: ParamVariable} }
func pattern(name string) Param { return Param{Name: name, Kind: ParamPattern} }

func choice(name string, words ...string) Param {
	return Param{Name: name, Kind: ParamConstant, Constants: words}
}

func optional(p Param) Param { p.Optional = true; return p }
func secret(p Param) Param   { p.Secret = true; return p }
func variadic(p Param) Param { p.Variadic = true; return p }

// or allows bare words besides the parameter's value.
func or(p Param, words ...string) Param { p.Constants = words; return p }

func connectionCommands() []Command {
	return []Command{
		{Name: "OPENHOST", Family: FamilyConnection, Kind: Doing, Documented: true, Echo: true, Protocols: OnAll, Capability: Net,
			Forms:   one(Param{Name: "host", Kind: ParamHost}, optional(text("user")), optional(secret(text("password")))),
			Summary: "connect to a server and log in; without a user as anonymous"},
		{Name: "CLOSEHOST", Family: FamilyConnection, Kind: Doing, Documented: true, Echo: true, Protocols: OnAll, Capability: Net,
			Forms: one(), Summary: "close the connection; OK also when there is none"},
		{Name: "RAWCOMMAND", Family: FamilyConnection, Kind: Doing, Documented: true, Echo: true, NeedsHost: true, Protocols: OnFTPx, Capability: Net,
			Forms: one(text("command")), Summary: "send one FTP command line; the reply's text is in GETREPLY"},
		{Name: "GETREPLY", Family: FamilyConnection, Kind: Telling, Protocols: OnFTPx, Capability: Pure,
			Forms: one(), Summary: "the server's last reply, with its code"},
	}
}

func transferCommands() []Command {
	return []Command{
		{Name: "GETFILE", Family: FamilyTransfer, Kind: Doing, Documented: true, Echo: true, NeedsHost: true, Protocols: OnAll, Capability: Net, Also: LocalWrite,
			Forms: []Form{
				{Key: "set", Params: []Param{{Name: "name", Kind: ParamRemotePattern}, optional(choice("depth", "SUBDIRS"))}},
				{Key: "named", Params: []Param{remote("remote"), local("local")}},
			},
			Summary: "download a file, or all that match a wildcard, into the local directory"},
		{Name: "PUTFILE", Family: FamilyTransfer, Kind: Doing, Documented: true, Echo: true, NeedsHost: true, Protocols: OnAll, Capability: Net, Also: LocalRead,
			Forms: []Form{
				{Key: "set", Params: []Param{{Name: "name", Kind: ParamLocalPattern}, optional(choice("depth", "SUBDIRS"))}},
				{Key: "named", Params: []Param{local("local"), remote("remote")}},
			},
			Summary: "upload a file, or all that match a wildcard, into the remote directory"},
		{Name: "SYNC", Family: FamilyTransfer, Kind: Doing, Documented: true, Echo: true, NeedsHost: true, Protocols: OnAll, Capability: Net, Also: LocalWrite,
			Forms: one(local("local_dir"), remote("remote_dir"), choice("method", "UPLOAD", "DOWNLOAD", "UPLOAD_DELETE", "DOWNLOAD_DELETE"),
				optional(choice("depth", "SUBDIRS")), optional(pattern("wildcard"))),
			Summary: "make one directory what the other one is, in one direction"},
		{Name: "WAITFILE", Family: FamilyTransfer, Kind: Doing, Echo: true, Protocols: OnAll, Capability: Net, Also: LocalRead,
			Forms:   one(choice("side", "LOCAL", "REMOTE"), sided("wildcard"), number("seconds")),
			Summary: "wait until a file is there"},
		{Name: "ADDEXCLUSION", Family: FamilyTransfer, Kind: Doing, Documented: true, Capability: Pure,
			Forms:   one(choice("side", "LOCAL", "REMOTE"), pattern("pattern")),
			Summary: "keep names out of uploads (LOCAL) or downloads (REMOTE)"},
		{Name: "CLEAREXCLUSION", Family: FamilyTransfer, Kind: Doing, Documented: true, Capability: Pure,
			Forms:   one(optional(choice("side", "LOCAL", "REMOTE"))),
			Summary: "forget the exclusions of one side, or all"},
	}
}

func remoteCommands() []Command {
	doing := func(name, summary string, documented bool, params ...Param) Command {
		return Command{Name: name, Family: FamilyRemote, Kind: Doing, Documented: documented, Echo: true, NeedsHost: true,
			Protocols: OnAll, Capability: Net, Forms: one(params...), Summary: summary}
	}
	return []Command{
		doing("CHDIR", "change the remote directory", true, remote("directory")),
		{Name: "CWDIR", Family: FamilyRemote, Kind: Telling, Documented: true, Echo: true, NeedsHost: true, Protocols: OnAll, Capability: Net,
			Forms:   []Form{{Key: "value"}, {Key: "into", Params: []Param{out("directory")}, Kind: Doing}},
			Summary: "the remote directory"},
		doing("MKDIR", "make a remote directory", true, remote("directory")),
		doing("RMDIR", "remove an empty remote directory", true, remote("directory")),
		doing("RENAMEFILE", "rename or move a remote file", true, remote("from"), remote("to")),
		doing("DELETEFILE", "delete a remote file, or all that match a wildcard", true, Param{Name: "name", Kind: ParamRemotePattern}),
		doing("CHMOD", "set the permissions of a remote file, as in 644", true, remote("name"), text("mode")),
		{Name: "GETFILETIME", Family: FamilyRemote, Kind: Telling, Documented: true, Echo: true, Protocols: OnAll, Capability: Net, Also: LocalRead,
			Forms: []Form{
				{Key: "remote", Params: []Param{remote("name")}},
				{Key: "side", Params: []Param{choice("side", "LOCAL", "REMOTE"), sided("name")}},
			},
			Summary: "when a file was last changed, as YYYY_MM_DD-hh_mm_ss"},
		{Name: "GETFILESIZE", Family: FamilyRemote, Kind: Telling, Documented: true, Echo: true, Protocols: OnAll, Capability: Net, Also: LocalRead,
			Forms: []Form{
				{Key: "remote", Params: []Param{remote("name")}},
				{Key: "side", Params: []Param{choice("side", "LOCAL", "REMOTE"), sided("name")}},
			},
			Summary: "how many bytes a file has"},
		{Name: "FILEEXISTS", Family: FamilyRemote, Kind: Telling, Echo: true, Protocols: OnAll, Capability: Net, Also: LocalRead,
			Forms: []Form{
				{Key: "remote", Params: []Param{remote("name")}},
				{Key: "side", Params: []Param{choice("side", "LOCAL", "REMOTE"), sided("name")}},
			},
			Summary: "TRUE or FALSE; FALSE only when the other side said so"},
		{Name: "GETHASH", Family: FamilyRemote, Kind: Telling, Echo: true, Protocols: OnAll, Capability: Net, Also: LocalRead,
			Forms:   one(choice("side", "LOCAL", "REMOTE"), sided("name"), optional(choice("algorithm", "SHA256", "MD5", "CRC32"))),
			Summary: "the hash of a file's bytes, in hexadecimal digits"},
	}
}

func localCommands() []Command {
	return []Command{
		{Name: "LOCALCHDIR", Family: FamilyLocal, Kind: Doing, Documented: true, Echo: true, Capability: LocalRead,
			Forms: one(local("directory")), Summary: "change the local directory of this run"},
		{Name: "LOCALCWDIR", Family: FamilyLocal, Kind: Telling, Documented: true, Capability: LocalRead,
			Forms:   []Form{{Key: "value"}, {Key: "into", Params: []Param{out("directory")}, Kind: Doing}},
			Summary: "the local directory"},
		{Name: "LOCALMKDIR", Family: FamilyLocal, Kind: Doing, Documented: true, Echo: true, Capability: LocalWrite,
			Forms: one(local("directory")), Summary: "make a local directory"},
		{Name: "LOCALRMDIR", Family: FamilyLocal, Kind: Doing, Documented: true, Echo: true, Capability: LocalWrite,
			Forms: one(local("directory")), Summary: "remove an empty local directory"},
		{Name: "LOCALDELETEFILE", Family: FamilyLocal, Kind: Doing, Echo: true, Capability: LocalWrite,
			Forms:   one(Param{Name: "name", Kind: ParamLocalPattern}),
			Summary: "delete a local file, or all that match a wildcard"},
		{Name: "LOCALRENAMEFILE", Family: FamilyLocal, Kind: Doing, Echo: true, Capability: LocalWrite,
			Forms:   one(local("from"), local("to"), optional(choice("mode", "OVERWRITE"))),
			Summary: "rename or move a local file or directory"},
		{Name: "LOCALCOPYFILE", Family: FamilyLocal, Kind: Doing, Echo: true, Capability: LocalWrite, Also: LocalRead,
			Forms:   one(local("from"), local("to"), optional(choice("mode", "OVERWRITE"))),
			Summary: "copy a local file"},
		{Name: "READFILE", Family: FamilyLocal, Kind: Telling, Echo: true, Capability: LocalRead,
			Forms: one(local("name")), Summary: "all that a local file holds, as a text"},
		{Name: "WRITEFILE", Family: FamilyLocal, Kind: Doing, Echo: true, Capability: LocalWrite,
			Forms:   one(local("name"), text("text"), optional(choice("mode", "OVERWRITE", "APPEND")), optional(choice("end", "EXACT"))),
			Summary: "write a text and a line end into a local file"},
	}
}

func listCommands() []Command {
	return []Command{
		{Name: "GETLIST", Family: FamilyLists, Kind: Doing, Documented: true, Echo: true, Protocols: OnAll, Capability: Net, Also: LocalRead,
			Forms: one(out("list"), choice("what", "REMOTE_FILES", "REMOTE_DIRS", "LOCAL_FILES", "LOCAL_DIRS", "DONE", "FAILED"),
				optional(pattern("wildcard")), optional(choice("order", "NAME", "NEWEST", "OLDEST"))),
			Summary: "store the names of a directory, or of the last set, joined by |, in a variable"},
		listing("LISTLENGTH", "how many items a list has", text("list")),
		listing("LISTITEM", "an item of a list; the first is 1", text("list"), number("place")),
		listing("LISTCONTAINS", "TRUE if one of the items is the text", text("list"), text("item")),
		listing("LISTADD", "a list with items more at its end", text("list"), variadic(text("item"))),
		listing("LISTREMOVE", "a list without the items that are the text", text("list"), text("item")),
		listing("LISTSORT", "a list in order", text("list"), optional(choice("by", "TEXT", "NUMBER", "DESC")), optional(choice("order", "DESC"))),
	}
}

// listing is a command that computes with a list.
func listing(name, summary string, params ...Param) Command {
	return Command{Name: name, Family: FamilyLists, Kind: Telling, Capability: Pure, Forms: one(params...), Summary: summary}
}

func outputCommands() []Command {
	return []Command{
		{Name: "PRINT", Family: FamilyOutput, Kind: Doing, Documented: true, Capability: Output,
			Forms: one(text("value")), Summary: "write a line on standard output"},
		{Name: "SILENT", Family: FamilyOutput, Kind: Doing, Documented: true, Capability: Output,
			Forms: one(choice("mode", "ON", "OFF")), Summary: "tell nothing on standard error, or tell it again"},
		{Name: "VERBOSE", Family: FamilyOutput, Kind: Doing, Documented: true, Capability: Output,
			Forms: one(choice("mode", "ON", "OFF")), Summary: "tell also what goes over the wire"},
		{Name: "LOGTO", Family: FamilyOutput, Kind: Doing, Documented: true, Capability: LocalWrite,
			Forms:   one(local("file"), optional(choice("mode", "APPEND", "OVERWRITE"))),
			Summary: "write everything told into a file as well"},
	}
}

func programCommands() []Command {
	return []Command{
		{Name: "EXEC", Family: FamilyProgram, Kind: Doing, Documented: true, Echo: true, Capability: Exec,
			Forms: []Form{
				{Key: "shell", Params: []Param{text("command")}},
				{Key: "program", Params: []Param{text("program"), variadic(text("argument"))}},
			},
			Summary: "run a program and wait; with one text through the shell"},
		{Name: "GETPARAM", Family: FamilyProgram, Kind: Telling, Documented: true, Capability: Pure,
			Forms: one(number("number")), Summary: "an argument of the command line; 0 is the script's name"},
		{Name: "GETENV", Family: FamilyProgram, Kind: Telling, Documented: true, Capability: Env,
			Forms: one(text("name")), Summary: "an environment variable"},
		{Name: "GETSECRET", Family: FamilyProgram, Kind: Telling, Capability: Env,
			Forms: one(text("name")), Summary: "a password or the like, from where the command line says"},
		{Name: "SLEEP", Family: FamilyProgram, Kind: Doing, Documented: true, Capability: Clock,
			Forms: one(number("seconds")), Summary: "wait"},
		{Name: "STOP", Family: FamilyProgram, Kind: Doing, Documented: true, Capability: Pure,
			Forms: one(), Summary: "end the script; the status says whether commands failed"},
		{Name: "EXIT", Family: FamilyProgram, Kind: Doing, Documented: true, Capability: Pure,
			Forms: one(number("status")), Summary: "end the script with this status, 0 to 255"},
	}
}

func timeCommands() []Command {
	return []Command{
		{Name: "GETDATE", Family: FamilyTime, Kind: Telling, Documented: true, Capability: Clock,
			Forms: one(optional(text("format")), optional(text("date"))), Summary: "today, as YYYY_MM_DD or as the format says"},
		{Name: "GETTIME", Family: FamilyTime, Kind: Telling, Documented: true, Capability: Clock,
			Forms: one(optional(text("format")), optional(text("date"))), Summary: "now, as YYYY_MM_DD-hh_mm_ss or as the format says"},
	}
}

func textCommands() []Command {
	telling := func(name, summary string, documented bool, params ...Param) Command {
		return Command{Name: name, Family: FamilyText, Kind: Telling, Documented: documented, Capability: Pure, Forms: one(params...), Summary: summary}
	}
	return []Command{
		telling("TEXTCUT", "a part of a text; the first character is 1", true, text("text"), number("start"), number("length")),
		telling("TEXTLENGTH", "how many characters a text has", true, text("text")),
		telling("TEXTREPLACE", "a text with another in place of each occurrence", false, text("text"), text("search"), text("replacement")),
		telling("TEXTFIND", "where a text stands in another; 0 if nowhere", false, text("text"), text("search"), optional(number("start"))),
		telling("TEXTUPPER", "a text in capitals", false, text("text")),
		telling("TEXTLOWER", "a text in small letters", false, text("text")),
		telling("TEXTTRIM", "a text without blanks and line ends around it", false, text("text"), optional(text("characters"))),
		telling("TEXTMATCH", "TRUE if a regular expression matches; or what a group of it matched", false, text("text"), text("regexp"), optional(number("group"))),
		telling("TEXTSPLIT", "the parts of a text between separators, or its lines, as a list", false, text("text"), optional(text("separator"))),
		telling("TEXTEQUAL", "TRUE if two texts are the same character by character", false, text("text"), text("other"), optional(choice("case", "NOCASE"))),
	}
}

func numberCommands() []Command {
	telling := func(name, summary string, params ...Param) Command {
		return Command{Name: name, Family: FamilyNumbers, Kind: Telling, Capability: Pure, Forms: one(params...), Summary: summary}
	}
	return []Command{
		telling("ROUND", "a number with so many decimals", number("number"), optional(number("decimals"))),
		telling("INT", "a number without its decimals", number("number")),
		telling("MOD", "what remains of a division", number("number"), number("divisor")),
	}
}

func errorCommands() []Command {
	return []Command{
		{Name: "GETERROR", Family: FamilyErrors, Kind: Telling, Capability: Pure,
			Forms: []Form{
				{Key: "sentence"},
				{Key: "field", Params: []Param{choice("field", "CODE", "NAME", "CLASS")}},
			},
			Summary: "what the last failure was: the sentence, or its CODE, NAME or CLASS"},
	}
}
