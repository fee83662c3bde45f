--- Combined log format for HTTP/1 and HTTP/2: what an access log would say.
--- In place of a remote address stands the client's process, pid and command.
-- @author   spf authors
-- @license  BSD-2-Clause
-- @api      1
-- @category http, log
-- @usage    spf -s http_log /run/app.sock
-- @output
-- curl[31545] - - [21/Nov/2026:04:59:17 +0000] "GET /index.html?x=1&y=a%20b HTTP/1.1" 200 17 "-" "curl/7.88.1"
-- curl[31545] - - [21/Nov/2026:04:59:17 +0000] "GET /a.css HTTP/1.1" 200 20 "-" "curl/7.88.1"
-- curl[31568] - - [21/Nov/2026:04:59:17 +0000] "GET /users/42/info HTTP/1.1" 200 10 "http://ref.test/" "curl/7.88.1"
-- curl[31568] - - [21/Nov/2026:04:59:17 +0000] "GET /users/7/info HTTP/1.1" 200 9 "http://ref.test/" "curl/7.88.1"
-- curl[31568] - - [21/Nov/2026:04:59:17 +0000] "GET /old HTTP/1.1" 301 169 "http://ref.test/" "curl/7.88.1"
-- curl[31568] - - [21/Nov/2026:04:59:17 +0000] "GET /none HTTP/1.1" 404 153 "http://ref.test/" "curl/7.88.1"
-- curl[31571] - - [21/Nov/2026:04:59:17 +0000] "POST /api HTTP/1.1" 503 10 "-" "curl/7.88.1"
-- curl[31584] - - [21/Nov/2026:04:59:17 +0000] "GET /index.html HTTP/2.0" 200 17 "-" "curl/7.88.1"
local fmt, text = require "spf.fmt", require "spf.text"

-- A quote or a control character in a header must not end its place in the line.
local function quoted(s) return '"' .. (s and text.escape(s):gsub('"', '\\"') or "-") .. '"' end

function on_call(c)
  local h = c.request.headers
  local who = c.client_comm and c.client_comm .. "[" .. (c.client_pid or "?") .. "]" or c.client_pid or "-"
  local request = (c.method or "?") .. " " .. (c.path or "?") .. " " .. (c.proto == "h2" and "HTTP/2.0" or "HTTP/1.1")
  print(("%s - - [%s] %s %s %d %s %s"):format(who, fmt.time(c.start or c.ts, "%d/%b/%Y:%H:%M:%S %z"), quoted(request),
    c.status or "-", c.resp_bytes, quoted(h and h.referer), quoted(h and h["user-agent"])))
end
