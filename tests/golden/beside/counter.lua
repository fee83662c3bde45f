local names = require "names"
local frames, bytes = 0, 0

-- What a module reads is decoded too: f.data is named here only.
return {
  add = function(f)
    frames = frames + 1
    bytes = bytes + #(f.data or "")
  end,
  print = function() print(names.frames, frames, names.bytes, bytes) end,
}
