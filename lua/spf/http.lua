-- SPDX-License-Identifier: BSD-2-Clause
-- spf.http: reason phrases, URLs, path templates.
local _, sys = ...
local http = {}

--- reason[404] is "Not Found", nil for numbers without a phrase.
http.reason = setmetatable({}, { __index = function(_, n)
  return type(n) == "number" and sys.names("http_status", n) or nil
end })

local function unescape(s)
  return (s:gsub("%+", " "):gsub("%%(%x%x)", function(h) return string.char(tonumber(h, 16)) end))
end

--- The parts of a URL or path: {scheme, authority, path, query, fragment}.
---@param s string
---@return table
function http.url(s)
  local u, rest = {}, s
  local head, fragment = rest:match("^([^#]*)#(.*)$")
  if head then rest, u.fragment = head, fragment end
  local before, query = rest:match("^([^?]*)%?(.*)$")
  if before then rest, u.query = before, query end
  local scheme, authority, path = rest:match("^(%a[%w+.-]*)://([^/]*)(.*)$")
  if scheme then u.scheme, u.authority, rest = scheme, authority, path end
  u.path = rest
  return u
end

--- Parameters of "a=1&b=2" or of a URL's query, unescaped; of repeated names the first.
---@param s string
---@return table<string, string>
function http.query(s)
  local out = {}
  s = s:match("%?([^#]*)") or s
  for part in s:gmatch("[^&]+") do
    local k, v = part:match("^([^=]*)=?(.*)$")
    k = unescape(k)
    if out[k] == nil then out[k] = unescape(v) end
  end
  return out
end

--- The path with what looks like an identifier folded: /users/42/orders/ab12… → /users/:id/orders/:id.
---@param path string
---@return string
function http.template(path)
  if path:sub(1, 1) == "?" then return path end -- spf's name for a path that it does not know
  path = path:match("^[^?#]*")
  return (path:gsub("[^/]+", function(part)
    if part:find("^%d+$") or part:find("^%x[%x-]+$") and #part >= 8 and part:find("%d") then return ":id" end
    if #part >= 20 and part:find("%d") and part:find("^[%w_=-]+$") then return ":id" end
    return part
  end))
end

return http
