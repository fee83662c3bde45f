--- HTTP/2 frames and their bytes by type and sender.
-- @author   spf authors
-- @license  BSD-2-Clause
-- @api      1
-- @category http2
-- @usage    spf -s h2_frames /run/app.sock
-- @output
-- TYPE           FROM    FRAMES      %  BYTES      %  MEAN   MAX
-- HEADERS        server      39  16.7%   755B  17.3%   19B  100B
-- DATA           server      33  14.1%   751B  17.2%   23B   24B
-- HEADERS        client      22   9.4%   729B  16.7%   33B  210B
-- DATA           client      34  14.5%   676B  15.5%   20B   24B
-- WINDOW_UPDATE  client      52  22.2%   676B  15.5%   13B   13B
-- WINDOW_UPDATE  server      38  16.2%   494B  11.3%   13B   13B
-- PING           client       5   2.1%    85B   1.9%   17B   17B
local agg, tab, fmt = require "spf.agg", require "spf.table", require "spf.fmt"
local HEAD = 9 -- bytes of a frame's header, RFC 9113 §4.1
local bytes, broken = agg.sum(), agg.count()

function on_frame(f)
  bytes:add(f.length + HEAD, f.type, f.from)
  if f.violation then broken:add(f.violation) end
end

function on_end()
  local rows, total, frames = bytes:rows(), 0, 0
  for _, r in ipairs(rows) do
    total = total + r.sum
    frames = frames + r.count
  end
  local t = tab.new { "TYPE", "FROM", "FRAMES>", "%>", "BYTES>", "%>", "MEAN>", "MAX>" }
  for _, r in ipairs(rows) do
    t:row(r.keys[1], r.keys[2], r.count, fmt.percent(r.count, frames), fmt.bytes(r.sum), fmt.percent(r.sum, total),
      fmt.bytes(math.floor(r.avg + 0.5)), fmt.bytes(r.max))
  end
  t:row("all", "", frames, "", fmt.bytes(total), "")
  t:print()
  if #broken:rows() > 0 then
    print()
    broken:print { columns = { "violation" } }
  end
end
