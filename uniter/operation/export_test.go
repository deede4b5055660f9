package operation

var (
	ParseState  = parseState
	EncodeState = encodeState
)
