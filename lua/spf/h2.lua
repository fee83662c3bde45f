-- SPDX-License-Identifier: BSD-2-Clause
-- spf.h2: HTTP/2 numbers by name: error[8] = "CANCEL", setting[4] = "INITIAL_WINDOW_SIZE",
-- type[0] = "DATA"; unknown numbers as hex.
local _, sys = ...
local h2 = {}

for field, names in pairs { error = "error", setting = "setting", type = "frame_type" } do
  h2[field] = setmetatable({}, { __index = function(_, n)
    return type(n) == "number" and (sys.names(names, n) or string.format("0x%x", n)) or nil
  end })
end

return h2
