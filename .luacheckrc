-- What scripts and the library may use. Callbacks are those of lua/meta/spf.d.lua, which is made from
-- the table of fields and which editors read.
local callbacks, meta = {}, nil
for _, up in ipairs { "", "../", "../../" } do -- luacheck may have been called in a folder below
  meta = meta or io.open(up .. "lua/meta/spf.d.lua")
end
for line in meta:lines() do
  callbacks[#callbacks + 1] = line:match("^function (on_%w+)")
end

std = "luajit"
max_line_length = 130
exclude_files = { "lua/meta" }
files["lua"] = { read_globals = { "spf" } }
files["scripts"] = {
  read_globals = { "spf" },
  globals = callbacks,
}
files["examples"] = files["scripts"]
files["tests"] = files["scripts"]
