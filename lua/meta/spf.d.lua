-- SPDX-License-Identifier: BSD-2-Clause
-- Made by `make meta` from src/decode/fields.def: do not edit. Types for editors (LuaCATS).
---@meta

---@class spf.Headers list of fields in wire order; headers["content-type"] is the first of that name
---@field [integer] spf.Header
---@field [string] string?
---@field each fun(self): fun(): string?, string? names and values in order
---@field all fun(self, name: string): string[] all values of a name

---@class spf.Header
---@field name string
---@field value string
---@field indexed boolean the whole field came from a table
---@field sensitive boolean sent as never-indexed
---@field wire_length integer bytes it took in the header block
---@field unknown boolean? name or value is not known: a symbol that begins with ?

---@class spf.Side
---@field headers spf.Headers?
---@field trailers spf.Headers?

---@class spf.Process
---@field pid integer?
---@field uid integer?
---@field comm string?
---@field exe string?
---@field cgroup integer?

---@class spf.PbField
---@field field integer
---@field wire integer
---@field type "varint"|"fixed32"|"fixed64"|"string"|"bytes"|"message"
---@field value any

---@class spf.Record
---@field kind string chunk conn frame message http call gap
---@field seq integer record number, from 1
---@field ts number? epoch seconds when its first byte was written
---@field elapsed_ns integer? ns since the capture began
---@field conn_id integer connection number
---@field from string who sent it: client, server or unknown
---@field pid integer? process that wrote it
---@field comm string? name of the thread that wrote it
---@field addr string? /run/app.sock, @abstract or 127.0.0.1:50051
---@field transport string unix or tcp
---@field tls boolean taken inside of TLS
---@field proto string h2, http/1.1 or unknown
---@field exact boolean false: bytes before it that matter were not seen
---@field conn spf.Conn the connection's record, one shared table

---@class spf.Chunk: spf.Record
---@field queue_us number? us from written to read by the peer: time in the socket
---@field length integer bytes written
---@field captured integer bytes captured
---@field truncated boolean captured is less than length
---@field offset integer offset of its first byte in its direction's stream
---@field read_ts number? epoch seconds when it was read
---@field reader_pid integer? process that read it
---@field tid integer? thread that wrote it
---@field fds integer? descriptors passed with it (SCM_RIGHTS)
---@field data string? the bytes

---@param r spf.Chunk
---@return false? hides it from later scripts and the printer
function on_chunk(r) end

---@class spf.Conn: spf.Record
---@field queue_us number? us from written to read by the peer: time in the socket
---@field op string open, proto or close
---@field seen_open boolean false: open before the capture began
---@field client spf.Process {pid, comm, exe, uid, cgroup} of the client
---@field server spf.Process {pid, comm, exe, uid, cgroup} of the server
---@field client_pid integer? process of the client
---@field client_comm string? name of the client's thread
---@field server_pid integer? process of the server
---@field server_comm string? name of the server's thread
---@field bytes_to_server integer bytes that the client sent
---@field bytes_to_client integer bytes that the server sent
---@field unread_by_server integer? bytes that the client wrote and nobody has read, at open and close; nil: not known
---@field unread_by_client integer? bytes that the server wrote, likewise
---@field calls integer calls on the connection so far
---@field frames integer frames or messages on the connection so far
---@field duration_us number? us from open (or first seen) to close
---@field reason string? why it closed

---@param r spf.Conn
---@return false? hides it from later scripts and the printer
function on_conn(r) end

---@class spf.Frame: spf.Record
---@field queue_us number? us from written to read by the peer: time in the socket
---@field method string? method of the request
---@field scheme string? scheme of the request
---@field authority string? authority (or host) of the request
---@field path string? path of the request; ?… where it is unknown
---@field rpc_method string? helloworld.Greeter/SayHello
---@field rpc_service string? helloworld.Greeter
---@field type string frame type: DATA, HEADERS …; unknown: 0x2a
---@field type_id integer frame type as a number
---@field flags integer flags as a number
---@field length integer payload bytes on the wire
---@field stream_id integer stream number
---@field truncated boolean part of the payload was not captured
---@field violation string? what in the frame breaks the RFC, and its section
---@field end_stream boolean? last frame of its sender on the stream
---@field ack boolean? acknowledges the peer's
---@field end_headers boolean? ends its header block
---@field padded boolean? has padding
---@field pad_length integer? bytes of padding
---@field data_length integer? bytes of data, without padding
---@field data string? the payload
---@field trailers boolean? true on trailers
---@field status integer? :status of a response
---@field headers spf.Headers? header fields in wire order
---@field header_bytes integer? bytes of the header block on the wire
---@field complete boolean? every header field is known
---@field missing integer? number of header fields that are not known
---@field continuations integer? number of CONTINUATION frames of the block
---@field stream_dependency integer? stream that this one depends on
---@field weight integer? 1 to 256
---@field exclusive boolean? exclusive dependency
---@field error_code integer? error code as a number
---@field error string? error code by name: CANCEL …
---@field settings table<string, integer>? settings by name: INITIAL_WINDOW_SIZE …
---@field promised_stream_id integer? stream that is promised
---@field opaque_data string? the 8 bytes
---@field last_stream_id integer? last stream that was processed
---@field debug_data string? debug data
---@field window_size_increment integer? bytes that the peer may send more
---@field window integer? flow control: bytes of DATA that may still be sent on the stream after it; nil: not known
---@field conn_window integer? the same on the connection
---@field stalled_us number? us that the window was used up until this frame opened it
---@field of integer? seq of the HEADERS that it continues

---@param r spf.Frame
---@return false? hides it from later scripts and the printer
function on_frame(r) end

---@class spf.Message: spf.Record
---@field queue_us number? us from written to read by the peer: time in the socket
---@field method string? method of the request
---@field scheme string? scheme of the request
---@field authority string? authority (or host) of the request
---@field path string? path of the request; ?… where it is unknown
---@field rpc_method string? helloworld.Greeter/SayHello
---@field rpc_service string? helloworld.Greeter
---@field stream_id integer stream number
---@field index integer 1, 2, … in its direction of the stream
---@field length integer bytes on the wire, without the 5-byte prefix
---@field compressed boolean the message is compressed
---@field encoding string? grpc-encoding: gzip …
---@field complete boolean false: cut off
---@field data string? the message, decompressed where spf knows how
---@field raw string? the message as it was sent
---@field pb spf.PbField[]? fields of the message, decoded without a schema

---@param r spf.Message
---@return false? hides it from later scripts and the printer
function on_message(r) end

---@class spf.Http: spf.Record
---@field queue_us number? us from written to read by the peer: time in the socket
---@field method string? method of the request
---@field scheme string? scheme of the request
---@field authority string? authority (or host) of the request
---@field path string? path of the request; ?… where it is unknown
---@field rpc_method string? helloworld.Greeter/SayHello
---@field rpc_service string? helloworld.Greeter
---@field what string request, response, or body: more of a body whose message was shown before
---@field version string? 1.1
---@field status integer? status of a response
---@field reason string? reason phrase
---@field headers spf.Headers? header fields in wire order
---@field trailer_fields spf.Headers? trailer fields in wire order
---@field content_type string? media type
---@field content_length integer? Content-Length
---@field body_length integer? bytes of the body (of this part of it) as sent, without chunk framing
---@field chunked boolean chunked transfer coding
---@field keep_alive boolean the connection stays open after it
---@field upgrade string? protocol that the Upgrade names
---@field body string? what was captured of the body, decompressed where spf knows how
---@field body_complete boolean the whole body was seen, with this record its end
---@field more boolean? true if the body goes on in records of its own (what = body)
---@field violation string? what in the message breaks the RFC, and its section

---@param r spf.Http
---@return false? hides it from later scripts and the printer
function on_http(r) end

---@class spf.Call: spf.Record
---@field method string? method of the request
---@field scheme string? scheme of the request
---@field authority string? authority (or host) of the request
---@field path string? path of the request; ?… where it is unknown
---@field rpc_method string? helloworld.Greeter/SayHello
---@field rpc_service string? helloworld.Greeter
---@field stream_id integer? stream number; nil for HTTP/1
---@field status integer? HTTP status
---@field rpc_status string? OK, NOT_FOUND …
---@field rpc_status_likely string? OK where rpc_status cannot be known (the capture began in the middle of the connection) but the same unknown fields ended a response of one message; no proof
---@field grpc_status integer? gRPC status as a number
---@field grpc_message string? grpc-message, percent-decoded
---@field failed boolean known to be so: status 500 or more, gRPC not OK, reset, or no response
---@field start number? epoch seconds when the request was written
---@field latency_us number? us, client's view: request headers written to response headers read
---@field server_us number? us, server's view: request read to response headers written
---@field queue_us number? us in the sockets, both ways
---@field duration_us number? us, first to last byte
---@field timeout_us number? us, from grpc-timeout
---@field req_bytes integer bytes of the request's body
---@field resp_bytes integer bytes of the response's body
---@field req_messages integer gRPC messages sent
---@field resp_messages integer gRPC messages received
---@field outcome string complete reset goaway closed evicted capture_end
---@field error string? HTTP/2 error code by name
---@field complete boolean every header field of it is known and no byte was lost
---@field client_pid integer? process of the client
---@field client_comm string? name of the client's thread
---@field server_pid integer? process of the server
---@field server_comm string? name of the server's thread
---@field request spf.Side {headers, trailers} of the request
---@field response spf.Side {headers, trailers} of the response

---@param r spf.Call
---@return false? hides it from later scripts and the printer
function on_call(r) end

---@class spf.Gap: spf.Record
---@field queue_us number? us from written to read by the peer: time in the socket
---@field cause string ringbuf_drop truncated late decode_error hpack_lost evicted not_in_file unreadable
---@field bytes_missing integer bytes that are not there, or not decoded
---@field events integer records lost, where known
---@field stream_id integer? stream; nil: the whole direction
---@field detail string? what happened, in words
---@field recovered boolean decoding went on after it

---@param r spf.Gap
---@return false? hides it from later scripts and the printer
function on_gap(r) end

---@class spf.StartInfo
---@field live boolean
---@field file string?
---@field targets string[]
---@field start number
---@field version string

---@class spf.Summary
---@field records integer
---@field dropped integer
---@field gaps integer
---@field duration number
---@field reason string
---@field errors integer

---@param info spf.StartInfo
function on_start(info) end

---@param now number
---@param n integer
function on_interval(now, n) end

---@param key string a character, or up, down, left, right
function on_key(key) end

---@param summary spf.Summary
function on_end(summary) end

---@class spf
spf = {}
---@type table<string, any> arguments by name
spf.args = {}
---@type string
spf.version = ""
---@type integer
spf.api = 1
---@param r spf.Record
---@return table
function spf.fields(r) end
---@param r spf.Record
function spf.emit(r) end
---@param code? integer
function spf.exit(code) end
---@param duration string|number
function spf.interval(duration) end
---@return number
function spf.now() end
---@return table
function spf.stats() end
---@generic T
---@param init fun(r: spf.Record): T
---@return fun(r: spf.Record): T
function spf.per_conn(init) end
---@generic T
---@param init fun(r: spf.Record): T
---@return fun(r: spf.Record): T
function spf.per_stream(init) end
---@param n integer
---@return fun(): boolean
function spf.every(n) end
---@param symbol string
---@param value string
---@param field? string
function spf.name(symbol, value, field) end
---@param key any
---@return boolean
function spf.once(key) end
---@param n integer
---@param duration string|number
---@return fun(): boolean
function spf.ratelimit(n, duration) end
spf.log = {}
function spf.log.debug(...) end
function spf.log.info(...) end
function spf.log.warn(...) end
spf.tty = {}
---@return boolean
function spf.tty.isatty() end
---@return integer
function spf.tty.rows() end
---@return integer
function spf.tty.cols() end
---@return boolean
function spf.tty.color() end
function spf.tty.clear() end
function spf.tty.home() end
---@param s string
function spf.tty.write(s) end
