--- RST_STREAM and GOAWAY by error and sender, with the paths they hit.
-- @author   spf authors
-- @license  BSD-2-Clause
-- @api      1
-- @category http2, errors
-- @arg log  bool=false  A line for each as it comes
-- @usage    spf -s h2_resets -a log=true /run/app.sock
-- @output
-- TYPE        ERROR           SENDER  PATH      COUNT
-- GOAWAY      NO_ERROR        client  -             1
-- RST_STREAM  CANCEL          client  /work/0       1
-- RST_STREAM  CANCEL          client  /work/1       1
-- RST_STREAM  CANCEL          client  /work/2       1
-- RST_STREAM  CANCEL          client  /work/3       1
-- RST_STREAM  REFUSED_STREAM  server  /refused      1
-- 6 requests, 5 resets (83.3%)
local agg, fmt, text, color = require "spf.agg", require "spf.fmt", require "spf.text", require "spf.color"
local counts, requests = agg.count(), 0

function on_frame(f)
  local kind = f.type
  if kind == "HEADERS" and f.from == "client" and not f.trailers then requests = requests + 1 end
  if kind ~= "RST_STREAM" and kind ~= "GOAWAY" then return end
  counts:add(kind, f.error, f.from, f.path or "-")
  if not spf.args.log then return end
  color.print(fmt.time(f.ts) .. "  " .. (f.comm or "?") .. "  " .. kind .. "  " ..
    (f.error == "NO_ERROR" and f.error or color.red(f.error)) ..
    (kind == "GOAWAY" and "  last stream " .. f.last_stream_id or "  stream " .. f.stream_id .. "  " .. (f.path or "?")) ..
    (f.debug_data and f.debug_data ~= "" and "  " .. text.escape(f.debug_data) or ""))
end

function on_end()
  local rows = counts:rows()
  if #rows == 0 then
    print(("no RST_STREAM and no GOAWAY in %d requests"):format(requests))
    return
  end
  counts:print { columns = { "type", "error", "sender", "path" } }
  local resets = 0
  for _, r in ipairs(rows) do if r.keys[1] == "RST_STREAM" then resets = resets + r.count end end
  print(("%d requests, %d resets (%s)"):format(requests, resets, fmt.percent(resets, requests)))
end
