--- The messages of gRPC calls, protobuf shown without its schema.
--- Numbers are the fields' numbers. What is printable is shown as text: it may be bytes.
-- @author   spf authors
-- @license  BSD-2-Clause
-- @api      1
-- @category grpc, payload
-- @arg method pattern=?  Only methods that match this Lua pattern
-- @arg lines  int(1..100000)=40  Lines shown of each message
-- @usage    spf -s grpc_messages -a method=SayHello /run/app.sock
-- @output
-- 04:58:31.648997  → demo.Shop/GetItem  stream 1  #1  7B
--     1: "tea"
--     2: 0
-- 04:58:31.649718  ← demo.Shop/GetItem  stream 1  #1  7B
--     1: "tea"
--     2: 4
-- 04:58:31.649984  → demo.Shop/GetItem  stream 3  #1  9B
--     1: "bread"
local fmt, pb, text, color = require "spf.fmt", require "spf.pb", require "spf.text", require "spf.color"
local only = spf.args.method

function on_message(m)
  local method = m.rpc_method or "(method unknown)"
  if only and not method:find(only) then return end
  local arrow = m.from == "client" and "→" or m.from == "server" and "←" or "?"
  color.print(fmt.time(m.ts) .. "  " .. color.bold(arrow .. " " .. method) .. "  stream " .. m.stream_id .. "  #" ..
    m.index .. "  " .. fmt.bytes(m.length) .. (m.compressed and "  " .. (m.encoding or "compressed") or "") ..
    (m.complete and "" or "  (cut off)"))
  local data = m.data
  if not data or data == "" then return end
  local lines = text.split(pb.dump(data, "    "), "\n")
  for i = 1, math.min(#lines, spf.args.lines) do print(lines[i]) end
  if #lines > spf.args.lines then print(("    … %d lines more"):format(#lines - spf.args.lines)) end
end
