--- HTTP Archive (HAR 1.2) of all exchanges, for browser developer tools.
--- Bodies are left out; sizes and times are there.
-- @author   spf authors
-- @license  BSD-2-Clause
-- @api      1
-- @category http, export
-- @usage    spf -q -s har -o calls.har /run/app.sock
-- @output
-- {"log":{"version":"1.2","creator":{"name":"spf","version":"0.1.0"},"entries":[
local json, fmt, http = require "spf.json", require "spf.fmt", require "spf.http"
local first = true

local function valid(s) return json.is_utf8(s) and s or require("spf.text").escape(s) end

local function fields(list)
  local out = json.array {}
  if not list then return out end
  for name, value in list:each() do out[#out + 1] = { name = valid(name), value = valid(value) } end
  return out
end

local function query(path)
  local out = json.array {}
  local q = http.url(path).query
  if not q then return out end
  for k, v in pairs(http.query("?" .. q)) do out[#out + 1] = { name = valid(k), value = valid(v) } end
  table.sort(out, function(a, b) return a.name < b.name end)
  return out
end

local function ms(us) return us and us / 1000 or -1 end

local function entry(c)
  local version = c.proto == "h2" and "HTTP/2" or "HTTP/1.1"
  local path, r, s = c.path or "", c.request, c.response
  local kind = s.headers and s.headers["content-type"]
  local wait = c.latency_us and ms(c.latency_us) or 0
  return {
    startedDateTime = fmt.iso(c.start or c.ts),
    time = math.max(0, ms(c.duration_us)),
    connection = tostring(c.conn_id),
    request = {
      method = c.method or "GET", httpVersion = version, cookies = json.array {}, headers = fields(r.headers),
      url = valid((c.scheme or "http") .. "://" .. (c.authority or "localhost") .. path),
      queryString = query(path), headersSize = -1, bodySize = c.req_bytes,
    },
    response = {
      status = c.status or 0, statusText = http.reason[c.status] or "", httpVersion = version, cookies = json.array {},
      headers = fields(s.headers), redirectURL = valid(s.headers and s.headers.location or ""), headersSize = -1,
      bodySize = c.resp_bytes, content = { size = c.resp_bytes, mimeType = valid(kind or "") },
    },
    cache = {},
    timings = { send = 0, wait = wait, receive = c.duration_us and math.max(0, ms(c.duration_us) - wait) or 0 },
    comment = valid(("%s → %s"):format(c.client_comm or "?", c.server_comm or "?")),
  }
end

function on_start(info)
  print('{"log":{"version":"1.2","creator":{"name":"spf","version":' .. json.encode(info.version) .. '},"entries":[')
end

function on_call(c)
  print((first and "" or ",") .. json.encode(entry(c)))
  first = false
end

function on_end() print("]}}") end
