-- What scripts and the library may use; generated part: see lua/meta.
std = "luajit"
max_line_length = 130
exclude_files = { "lua/meta" }
files["lua"] = { read_globals = { "spf" } }
files["scripts"] = {
  read_globals = { "spf" },
  globals = { "on_start", "on_chunk", "on_conn", "on_frame", "on_message", "on_http", "on_call", "on_gap",
    "on_interval", "on_end" },
}
files["examples"] = files["scripts"]
files["tests"] = files["scripts"]
