--- One connection or stream as a conversation: both sides, text or hex.
--- Without conn it follows the first connection that says something.
-- @author   spf authors
-- @license  BSD-2-Clause
-- @api      1
-- @category payload
-- @arg conn   int(1..4294967295)=?  Connection number
-- @arg stream int(1..2147483647)=?  HTTP/2 stream of it
-- @arg as     enum(text,hex)=text   How payload is shown
-- @arg bytes  bytes=4K  Most shown of one payload
-- @usage    spf -s follow -a conn=3 -a as=hex /run/app.sock
-- @output
-- ──▶ client  curl[31568]  04:59:17.140101
--   GET /users/42/info HTTP/1.1
--     Host: shop.test
--     User-Agent: curl/7.88.1
--     Accept: */*
--     Referer: http://ref.test/
-- ◀── server  nginx[31361]  04:59:17.140196
--   200 OK HTTP/1.1
local fmt, text, color = require "spf.fmt", require "spf.text", require "spf.color"
local A = spf.args
local conn, last_from = A.conn, nil

-- The first writes come before it is known what they speak. They are kept, and shown as they are
-- if nothing is made of them.
local early, MAX_EARLY = {}, 64
local decoded = false -- something was: what is unknown later, after an upgrade, stays so

local function mine(r)
  conn = conn or r.conn_id
  if r.conn_id ~= conn then return false end
  return not A.stream or r.stream_id == A.stream
end

-- Who speaks, when the speaker changes.
local function speaker(r)
  if r.from == last_from then return end
  last_from = r.from
  local arrow = r.from == "client" and "──▶" or r.from == "server" and "◀──" or "───"
  color.print(color[r.from == "client" and "cyan" or "magenta"](("%s %s  %s%s  %s"):format(arrow, r.from,
    r.comm or "?", r.pid and "[" .. r.pid .. "]" or "", fmt.time(r.ts))))
end

local function payload(data)
  if not data or data == "" then return end
  local part = data:sub(1, A.bytes)
  if A.as == "hex" or part:find("[%z\1-\8\14-\31]") then
    print(text.hexdump(part, "    "))
  else
    for _, line in ipairs(text.split(part:gsub("\r?\n$", ""), "\n")) do print("    " .. text.escape(line:gsub("\r$", ""))) end
  end
  if #data > #part then print(("    … %s more"):format(fmt.bytes(#data - #part))) end
end

local function fields(list)
  if not list then return end
  for name, value in list:each() do print("    " .. name .. ": " .. text.escape(value)) end
end

function on_frame(f)
  if not mine(f) then return end
  early, decoded = {}, true
  local kind = f.type
  if kind == "HEADERS" or kind == "PUSH_PROMISE" then
    speaker(f)
    color.print("  " .. color.bold(kind) .. " stream " .. f.stream_id .. (f.trailers and " trailers" or "") ..
      (f.end_stream and " (ends)" or ""))
    fields(f.headers)
  elseif kind == "DATA" then
    speaker(f)
    color.print("  " .. color.bold("DATA") .. " stream " .. f.stream_id .. " " .. fmt.bytes(f.data_length) ..
      (f.end_stream and " (ends)" or ""))
    payload(f.data)
  elseif kind == "RST_STREAM" or kind == "GOAWAY" then
    speaker(f)
    color.print("  " .. color.red(kind .. " " .. f.error) .. " stream " .. f.stream_id)
  end
end

function on_http(m)
  if not mine(m) then return end
  early, decoded = {}, true
  speaker(m)
  if m.what == "request" then
    color.print("  " .. color.bold((m.method or "?") .. " " .. (m.path or "?")) .. " HTTP/" .. (m.version or "?"))
  elseif m.what == "response" then
    color.print("  " .. color.bold((m.status or "?") .. " " .. (m.reason or "")) .. " HTTP/" .. (m.version or "?"))
  end
  fields(m.headers)
  payload(m.body)
end


local function show_early()
  for _, c in ipairs(early) do
    speaker(c)
    payload(c.data)
  end
  early = {}
end

function on_chunk(c)
  if c.proto ~= "unknown" or not mine(c) then
    early = {}
    return
  end
  early[#early + 1] = c
  if decoded or #early == MAX_EARLY then show_early() end
end

function on_end() show_early() end

function on_gap(g)
  if not mine(g) then return end
  color.print("  " .. color.yellow(("… %s missing (%s)"):format(fmt.bytes(g.bytes_missing), g.cause)))
end
