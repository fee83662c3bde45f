/* SPDX-License-Identifier: BSD-2-Clause */
/* Prints what scripts see as LuaCATS annotations, from the table of fields: lua/meta/spf.d.lua.
 * Editors complete and check names with it; its copy in the repository pins the surface. */
#include <stdio.h>
#include <string.h>

#include "decode/fields.h"

static const char *lua_type(const struct field *f)
{
	switch (f->type) {
	case T_U8:
	case T_U32:
	case T_U64:
		return "integer";
	case T_I32:
	case T_I64:
	case T_SEQ:
		return "integer?";
	case T_EPOCH:
	case T_US:
		return "number?";
	case T_BOOL:
	case T_CUT:
		return "boolean";
	case T_TRI:
		return "boolean?";
	case T_FLAG_1:
	case T_FLAG_4:
	case T_FLAG_8:
		return f->frame_types ? "boolean?" : "boolean";
	case T_HEADERS:
		return "spf.Headers?";
	case T_SETTINGS:
		return "table<string, integer>?";
	case T_REQUEST:
	case T_RESPONSE:
		return "spf.Side";
	case T_PROCESS:
		return "spf.Process";
	case T_CONN:
		return "spf.Conn";
	case T_PB:
		return "spf.PbField[]?";
	case T_KIND:
	case T_ROLE:
	case T_TRANSPORT:
	case T_PROTO:
	case T_WHAT:
	case T_OUTCOME:
	case T_CONN_OP:
	case T_GAP_CAUSE:
	case T_FRAME_TYPE:
		return "string";
	default:
		return "string?";
	}
}

static void print_fields(uint32_t kind, bool common)
{
	for (uint32_t i = 0; i < fields_cnt; i++) {
		const struct field *f = &fields[i];
		bool is_common = f->kinds == (1u << KIND_COUNT) - 1;

		if (!(f->kinds >> kind & 1) || is_common != common)
			continue;
		/* a field of some frame types is nil on the others */
		printf("---@field %s %s%s %s\n", f->name, lua_type(f),
		       f->frame_types && !strchr(lua_type(f), '?') ? "?" : "", f->meaning);
	}
}

static const char head[] =
	"-- SPDX-License-Identifier: BSD-2-Clause\n"
	"-- Made by `make meta` from src/decode/fields.def: do not edit. Types for editors (LuaCATS).\n"
	"---@meta\n\n"
	"---@class spf.Headers list of fields in wire order; headers[\"content-type\"] is the first of that name\n"
	"---@field [integer] spf.Header\n"
	"---@field [string] string?\n"
	"---@field each fun(self): fun(): string?, string? names and values in order\n"
	"---@field all fun(self, name: string): string[] all values of a name\n\n"
	"---@class spf.Header\n---@field name string\n---@field value string\n"
	"---@field indexed boolean the whole field came from a table\n"
	"---@field sensitive boolean sent as never-indexed\n"
	"---@field wire_length integer bytes it took in the header block\n"
	"---@field unknown boolean? name or value is not known: a symbol that begins with ?\n\n"
	"---@class spf.Side\n---@field headers spf.Headers?\n---@field trailers spf.Headers?\n\n"
	"---@class spf.Process\n---@field pid integer?\n---@field uid integer?\n---@field comm string?\n"
	"---@field exe string?\n---@field cgroup integer?\n\n"
	"---@class spf.PbField\n---@field field integer\n---@field wire integer\n"
	"---@field type \"varint\"|\"fixed32\"|\"fixed64\"|\"string\"|\"bytes\"|\"message\"\n---@field value any\n\n";

static const char tail[] =
	"---@class spf.StartInfo\n---@field live boolean\n---@field file string?\n---@field targets string[]\n"
	"---@field start number\n---@field version string\n\n"
	"---@class spf.Summary\n---@field records integer\n---@field dropped integer\n---@field gaps integer\n"
	"---@field duration number\n---@field reason string\n---@field errors integer\n\n"
	"---@param info spf.StartInfo\nfunction on_start(info) end\n\n"
	"---@param now number\n---@param n integer\nfunction on_interval(now, n) end\n\n"
	"---@param key string a character, or up, down, left, right\nfunction on_key(key) end\n\n"
	"---@param summary spf.Summary\nfunction on_end(summary) end\n\n"
	"---@class spf\nspf = {}\n"
	"---@type table<string, any> arguments by name\nspf.args = {}\n"
	"---@type string\nspf.version = \"\"\n---@type integer\nspf.api = 1\n"
	"---@param r spf.Record\n---@return table\nfunction spf.fields(r) end\n"
	"---@param r spf.Record\nfunction spf.emit(r) end\n"
	"---@param code? integer\nfunction spf.exit(code) end\n"
	"---@param duration string|number\nfunction spf.interval(duration) end\n"
	"---@return number\nfunction spf.now() end\n---@return table\nfunction spf.stats() end\n"
	"---@generic T\n---@param init fun(r: spf.Record): T\n---@return fun(r: spf.Record): T\nfunction spf.per_conn(init) end\n"
	"---@generic T\n---@param init fun(r: spf.Record): T\n---@return fun(r: spf.Record): T\nfunction spf.per_stream(init) end\n"
	"---@param n integer\n---@return fun(): boolean\nfunction spf.every(n) end\n"
	"---@param symbol string\n---@param value string\n---@param field? string\nfunction spf.name(symbol, value, field) end\n"
	"---@param key any\n---@return boolean\nfunction spf.once(key) end\n"
	"---@param n integer\n---@param duration string|number\n---@return fun(): boolean\nfunction spf.ratelimit(n, duration) end\n"
	"spf.log = {}\nfunction spf.log.debug(...) end\nfunction spf.log.info(...) end\nfunction spf.log.warn(...) end\n"
	"spf.tty = {}\n---@return boolean\nfunction spf.tty.isatty() end\n---@return integer\nfunction spf.tty.rows() end\n"
	"---@return integer\nfunction spf.tty.cols() end\n---@return boolean\nfunction spf.tty.color() end\n"
	"function spf.tty.clear() end\nfunction spf.tty.home() end\n---@param s string\nfunction spf.tty.write(s) end\n";

int main(void)
{
	fputs(head, stdout);
	printf("---@class spf.Record\n");
	print_fields(KIND_GAP, true);
	for (uint32_t k = 0; k < KIND_COUNT; k++) {
		const char *name = kind_name(k);

		printf("\n---@class spf.%c%s: spf.Record\n", name[0] - 32, name + 1);
		print_fields(k, false);
		printf("\n---@param r spf.%c%s\n---@return false? hides it from later scripts and the printer\n"
		       "function on_%s(r) end\n", name[0] - 32, name + 1, name);
	}
	puts("");
	fputs(tail, stdout);
	return 0;
}
