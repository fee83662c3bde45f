-- SPDX-License-Identifier: BSD-2-Clause
-- spf.csv: one row as RFC 4180 writes it.
local csv = {}

local function cell(x)
  if x == nil then return "" end
  local s = tostring(x)
  if s:find('[",\r\n]') then return '"' .. s:gsub('"', '""') .. '"' end
  return s
end

--- The values as a line without its end; nil is an empty cell.
---@param ... any
---@return string
function csv.row(...)
  local out = {}
  for i = 1, select("#", ...) do out[i] = cell((select(i, ...))) end
  return table.concat(out, ",")
end

return csv
