package diag

import (
	"encoding/json"
	"io"
)

// record is a diagnostic as tools read it. Fields are only ever added.
type record struct {
	File      string `json:"file,omitempty"`
	Severity  string `json:"severity"`
	Code      string `json:"code,omitempty"`
	Line      int    `json:"line,omitempty"`
	Column    int    `json:"column,omitempty"`
	EndLine   int    `json:"endLine,omitempty"`
	EndColumn int    `json:"endColumn,omitempty"`
	Message   string `json:"message"`
	Hint      string `json:"hint,omitempty"`
}

// WriteJSON writes one object a line: file, severity, code, line, column,
// endLine, endColumn, message and hint. Columns count characters from 1, the end
// is behind the last one. Texts are escaped as JSON wants and not otherwise.
func WriteJSON(w io.Writer, list List) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	for _, d := range list {
		r := record{Severity: d.Severity.String(), Code: d.Code, Message: d.Message, Hint: d.Hint}
		if d.File != nil {
			r.File = d.File.Name()
			r.Line, r.Column = d.Position()
			r.EndLine, r.EndColumn = d.File.Position(max(d.Span.Start, d.Span.End))
		}
		if err := enc.Encode(r); err != nil {
			return err
		}
	}
	return nil
}
