-- SPDX-License-Identifier: BSD-2-Clause
-- spf.grpc: status codes, paths, timeouts.
local _, sys = ...
local grpc = {}

--- status[5] is "NOT_FOUND"; other numbers as text.
grpc.status = setmetatable({}, { __index = function(_, n)
  return type(n) == "number" and (sys.names("grpc_status", n) or string.format("%d", n)) or nil
end })

--- "/pkg.Service/Method" → "pkg.Service", "Method"; nil if the path names no RPC.
---@param path string?
---@return string?, string?
function grpc.split(path)
  if not path then return nil end
  return path:match("^/?([^/?]+)/([^/?]+)$")
end

local UNITS = { H = 3600e6, M = 60e6, S = 1e6, m = 1e3, u = 1, n = 1e-3 }

--- A grpc-timeout ("10m" = 10 ms) in us, nil if it is none.
---@param s string?
---@return number?
function grpc.timeout(s)
  if not s then return nil end
  local n, unit = s:match("^(%d%d?%d?%d?%d?%d?%d?%d?)([HMSmun])$")
  return n and tonumber(n) * UNITS[unit]
end

--- True of a gRPC call that ended with a status which nothing on the wire tells. It is not failed,
--- as nobody knows, and must not be counted as if it had gone well either.
---@param c table a record of on_call
---@return boolean
function grpc.is_unknown(c)
  local is_grpc = c.rpc_method or c.rpc_status_likely
  return is_grpc ~= nil and c.rpc_status == nil and c.outcome == "complete"
end

--- Prints of how many calls the status is unknown, if of any.
---@param unknown integer
---@param calls integer
function grpc.print_unknown(unknown, calls)
  if unknown == 0 then return end
  print(("the status of %d of %d calls is unknown: earlier bytes there were not seen"):format(unknown, calls))
end

return grpc
