-- What scripts and the library may use. Editors read lua/meta/spf.d.lua, made from the table of fields.
std = "luajit"
max_line_length = 130
exclude_files = { "lua/meta" }
files["lua"] = { read_globals = { "spf" } }
files["scripts"] = {
  read_globals = { "spf" },
  globals = { "on_start", "on_chunk", "on_conn", "on_frame", "on_message", "on_http", "on_call", "on_gap",
    "on_interval", "on_key", "on_end" },
}
files["examples"] = files["scripts"]
files["tests"] = files["scripts"]
