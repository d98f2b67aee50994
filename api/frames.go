package api

import (
	"encoding/binary"

	"github.com/gorilla/websocket"

	"rowcall/api/problem"
)

// maxFrameHeader is the longest header of a frame from a server: such frames have no mask.
const maxFrameHeader = 10

// encodeTextFrame returns a text frame ready for the network: the WebSocket header, and v as
// compact JSON. All raw JSON in v must be sound (problem.SoundJSON).
func encodeTextFrame(v any) []byte {
	frame, err := problem.AppendJSON(make([]byte, maxFrameHeader), v)
	if err != nil {
		panic("api: a frame that is no JSON: " + err.Error())
	}
	header := appendFrameHeader(nil, websocket.TextMessage, len(frame)-maxFrameHeader)
	frame = frame[maxFrameHeader-len(header):]
	copy(frame, header)
	return frame
}

// encodeControlFrame returns a ping, pong or close frame ready for the network. The payload has at
// most 125 bytes.
func encodeControlFrame(opcode int, payload []byte) []byte {
	return append(appendFrameHeader(nil, opcode, len(payload)), payload...)
}

// appendFrameHeader appends the header of an unfragmented frame (RFC 6455, section 5.2).
func appendFrameHeader(to []byte, opcode, length int) []byte {
	const final = 1 << 7
	to = append(to, final|byte(opcode))
	switch {
	case length <= 125:
		return append(to, byte(length))
	case length < 1<<16:
		return binary.BigEndian.AppendUint16(append(to, 126), uint16(length))
	}
	return binary.BigEndian.AppendUint64(append(to, 127), uint64(length))
}
