package catalog

// Setting is a row of the table behind the SET commands.
type Setting struct {
	Command    string // SETPASSIVE
	Name       string // the key in reports and policies: passive
	Params     []Param
	Default    string // as a script would write it
	Effect     Effect
	Flag       string // the flag of run that sets the first value, "" if none
	Documented bool
	Touches    Capability // Pure for an assignment
	Protocols  Protocols
	Summary    string
}

// Effect says from when on a new value holds.
type Effect uint8

const (
	NextConnection     Effect = iota // at the next OPENHOST
	NextDataConnection               // at once, also in the middle of a session
	NextCommand                      // at once
)

// String completes the sentence "takes effect at …".
func (e Effect) String() string {
	return [...]string{"the next OPENHOST", "the next data connection", "the next command"}[e]
}

// FeatureNames are the features of a server that SETFEATURE can override.
func FeatureNames() []string {
	return []string{"EPSV", "EPRT", "MLSD", "SIZE", "MDTM", "MFMT", "UTIME", "UTF8", "REST", "PRET", "NOOP", "REPLACE", "REUSE", "HIDDEN", "FSYNC", "CHANNELS"}
}

// Settings returns every setting, in the order of the language's pages.
func Settings() []Setting {
	return []Setting{
		{Command: "SETPROTOCOL", Name: "protocol", Default: "FTP", Effect: NextConnection, Documented: true, Protocols: OnAll,
			Params:  []Param{choice("protocol", "FTP", "FTPS", "FTPS_EXPLICIT", "FTPS_IMPLICIT", "SFTP")},
			Summary: "which protocol the next OPENHOST speaks"},
		{Command: "SETPORT", Name: "port", Default: "DEFAULT", Effect: NextConnection, Documented: true, Protocols: OnAll,
			Params:  []Param{or(number("port"), "DEFAULT")},
			Summary: "which port the next OPENHOST connects to"},
		{Command: "SETPROXY", Name: "proxy", Default: `""`, Effect: NextConnection, Flag: "proxy", Protocols: OnAll,
			Params:  []Param{{Name: "url", Kind: ParamURL}},
			Summary: "reach servers through a proxy, HTTP or SOCKS5; the empty text is none"},
		{Command: "SETTRUST", Name: "trust", Default: "STRICT", Effect: NextConnection, Protocols: OnFTPS | OnSFTP,
			Params:  []Param{choice("level", "STRICT", "NEW", "ANY")},
			Summary: "refuse servers that are not known, record them at the first contact, or check nothing"},
		{Command: "SETHOSTKEY", Name: "host-key", Default: "NONE", Effect: NextConnection, Protocols: OnSFTP,
			Params:  []Param{or(text("key"), "NONE")},
			Summary: "insist on this host key and no other; calls before one OPENHOST add up"},
		{Command: "SETKEYFILE", Name: "key-file", Default: "NONE", Effect: NextConnection, Touches: LocalRead, Protocols: OnSFTP,
			Params:  []Param{or(local("file"), "NONE"), optional(secret(text("passphrase")))},
			Summary: "log in with the private key in this file"},
		{Command: "SETALGORITHMS", Name: "algorithms", Default: "SAFE", Effect: NextConnection, Protocols: OnFTPS | OnSFTP,
			Params:  []Param{choice("which", "SAFE", "LEGACY")},
			Summary: "offer only algorithms that are safe, or for an old server those too that were given up"},
		{Command: "SETENCODING", Name: "encoding", Default: "AUTO", Effect: NextConnection, Protocols: OnAll,
			Params:  []Param{or(text("name"), "AUTO")},
			Summary: "how the server writes names; the script has them in UTF-8"},
		{Command: "SETCERTIFICATE", Name: "certificate", Default: "NONE", Effect: NextConnection, Touches: LocalRead, Protocols: OnFTPS,
			Params:  []Param{or(local("certificate"), "NONE")},
			Summary: "insist on this certificate, or on the authorities in this file; calls before one OPENHOST add up"},
		{Command: "SETCLIENTCERT", Name: "client-cert", Default: "NONE", Effect: NextConnection, Touches: LocalRead, Protocols: OnFTPS,
			Params:  []Param{or(local("certificate"), "NONE"), optional(local("key"))},
			Summary: "show the server this certificate, to which the key belongs"},
		{Command: "SETPROTECTION", Name: "protection", Default: "PRIVATE", Effect: NextConnection, Protocols: OnFTPS,
			Params:  []Param{choice("data", "PRIVATE", "CLEAR")},
			Summary: "encrypt data connections, or leave them in the clear behind an encrypted login"},
		{Command: "SETPASSIVE", Name: "passive", Default: "ENABLED", Effect: NextDataConnection, Documented: true, Protocols: OnFTPx,
			Params:  []Param{choice("mode", "ENABLED", "DISABLED")},
			Summary: "passive mode (we connect for data) or active (the server connects to us)"},
		{Command: "SETACTIVEPORTS", Name: "active-ports", Default: "0, 0", Effect: NextDataConnection, Protocols: OnFTPx,
			Params:  []Param{number("from"), number("to")},
			Summary: "which ports active mode may listen on"},
		{Command: "SETACTIVEADDRESS", Name: "active-address", Default: `""`, Effect: NextDataConnection, Protocols: OnFTPx,
			Params:  []Param{text("announced"), optional(text("from"))},
			Summary: "which address active mode announces, and listens on"},
		{Command: "SETPASSIVEADDRESS", Name: "passive-address", Default: "CONTROL", Effect: NextDataConnection, Protocols: OnFTPx,
			Params:  []Param{choice("host", "CONTROL", "SERVER")},
			Summary: "connect for data to the server's own host, or to the one its 227 names"},
		{Command: "SETFEATURE", Name: "feature", Default: "AUTO", Effect: NextCommand, Protocols: OnAll,
			Params:  []Param{choice("feature", FeatureNames()...), choice("use", "AUTO", "ENABLED", "DISABLED")},
			Summary: "use a feature of the server, or not, whatever it says of itself"},
		{Command: "SETTIMEOUT", Name: "timeout", Default: "20 CONNECT, 90 REPLY, 60 IDLE, 0 TOTAL", Effect: NextCommand, Documented: true, Protocols: OnAll,
			Params:  []Param{number("seconds"), optional(choice("wait", "CONNECT", "REPLY", "IDLE", "TOTAL"))},
			Summary: "how long to wait; without a second argument for CONNECT, REPLY and IDLE"},
		{Command: "SETRETRY", Name: "retry", Default: "3, 2", Effect: NextCommand, Flag: "retry", Protocols: OnAll,
			Params:  []Param{number("times"), optional(number("seconds"))},
			Summary: "how many attempts are made in all, and how long to wait before the second"},
		{Command: "SETTYPE", Name: "type", Default: "BINARY", Effect: NextCommand, Documented: true, Protocols: OnFTPx,
			Params:  []Param{choice("type", "BINARY", "ASCII", "EBCDIC")},
			Summary: "how bytes are represented in transfers"},
		{Command: "SETUPLOADMODE", Name: "upload-mode", Default: "OVERWRITE", Effect: NextCommand, Flag: "atomic", Documented: true, Protocols: OnAll,
			Params:  []Param{choice("mode", "OVERWRITE", "ATOMIC", "APPEND", "RESUME", "UNIQUE", "SKIP")},
			Summary: "what an upload does with a name on the server, and with what bears it already"},
		{Command: "SETVERIFY", Name: "verify", Default: "SIZE", Effect: NextCommand, Protocols: OnAll,
			Params:  []Param{choice("proof", "SIZE", "HASH", "OFF")},
			Summary: "what proves that a file arrived as it was sent"},
		{Command: "SETFILTER", Name: "filter", Default: "NONE", Effect: NextCommand, Protocols: OnAll,
			Params:  []Param{choice("bound", "NEWER", "OLDER", "LARGER", "SMALLER", "NONE"), optional(or(text("value"), "NONE"))},
			Summary: "move only files of these times and sizes; all bounds that are set must hold"},
		{Command: "SETSTABLE", Name: "stable", Default: "0", Effect: NextCommand, Protocols: OnAll,
			Params:  []Param{number("seconds")},
			Summary: "leave files that change within this time; 0 is not to look"},
		{Command: "SETCLOCKDIFF", Name: "clock-difference", Default: "AUTO", Effect: NextCommand, Documented: true, Protocols: OnAll,
			Params:  []Param{or(number("seconds"), "AUTO")},
			Summary: "how many seconds the server's clock is ahead of ours, for SYNC"},
		{Command: "SETPARALLEL", Name: "parallel", Default: "4, and 1 for PUTFILE", Effect: NextCommand, Flag: "parallel", Protocols: OnAll,
			Params:  []Param{number("connections")},
			Summary: "how many connections a set of files may use at a time"},
		{Command: "SETDELETELIMIT", Name: "delete-limit", Default: "SAFE", Effect: NextCommand, Protocols: OnAll,
			Params:  []Param{or(number("names"), "SAFE", "ALL")},
			Summary: "how many files and directories a SYNC may delete; ALL lets go of its brakes too"},
		{Command: "SETSPEED", Name: "speed", Default: "0", Effect: NextCommand, Protocols: OnAll,
			Params:  []Param{number("kilobytes_per_second")},
			Summary: "how fast files may move, both ways together; 0 is as fast as they can"},
		{Command: "SETDRYRUN", Name: "dry-run", Default: "OFF", Effect: NextCommand, Flag: "dry-run", Protocols: OnAll,
			Params:  []Param{choice("mode", "ON", "OFF")},
			Summary: "tell what would be changed on either side, and change nothing"},
		{Command: "SETAFTER", Name: "after", Default: "KEEP", Effect: NextCommand, Protocols: OnAll,
			Params:  []Param{or(text("folder"), "KEEP", "DELETE")},
			Summary: "what happens to a source file that arrived whole: stay, be deleted, or be moved into a folder on its side"},
		{Command: "SETBACKUP", Name: "backup", Default: "NONE", Effect: NextCommand, Protocols: OnAll,
			Params:  []Param{or(text("folder"), "NONE")},
			Summary: "move what a transfer replaces into a folder on its side"},
	}
}

// settingCommands makes a command of every setting.
func settingCommands() []Command {
	var all []Command
	for _, s := range Settings() {
		all = append(all, Command{Name: s.Command, Family: FamilyConnection, Kind: Doing, Documented: s.Documented, Echo: true,
			Protocols: s.Protocols, Capability: s.Touches, Forms: one(s.Params...), Summary: s.Summary})
	}
	return all
}
