/* SPDX-License-Identifier: BSD-2-Clause */
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "capture/backend.h"
#include "util/near.h"
#include "util/xalloc.h"

const char options_help[] =
	"usage: spf [OPTIONS] [SOCKET...]\n"
	"Watches what processes say over unix sockets and TCP; decodes HTTP/2, gRPC and HTTP/1.\n"
	"SOCKET: a socket's path, @name of an abstract one, a glob, or tcp:PORT; none means every\n"
	"unix socket.\n"
	"\n"
	"Scripts\n"
	"  -s NAME|FILE      run a script; may be repeated\n"
	"  -a KEY=VALUE      argument of the last -s\n"
	"  -e CODE           run Lua code for each record; a record's fields are plain names\n"
	"  -f EXPR           keep the records for which the Lua expression is true\n"
	"  --begin CODE, --end CODE    run once before and after\n"
	"  --interval TIME   call on_interval, print aggregates of -e each TIME (1s, 500ms)\n"
	"Output\n"
	"  -k KIND[,KIND]    chunk conn frame message http call gap (default: frame,http,gap)\n"
	"  -F FIELD[,FIELD]  print these fields\n"
	"  -T FORMAT         text, json, csv, tsv or raw; -j is -T json\n"
	"  -x                payloads as hex dump;  -A  as text\n"
	"  -o FILE           write the output to FILE\n"
	"  -q                no messages;  -v  more of them, with an account of all bytes\n"
	"  --color WHEN      auto, always or never\n"
	"Capture\n"
	"  -p PID            only connections that this process opens, reads or writes\n"
	"  --follow          and those that it has started, and starts from now on\n"
	"  --comm NAME, --uid USER, --cgroup PATH|ID   likewise those of that name, user, cgroup;\n"
	"                    of several conditions a process must meet all\n"
	"  -c N              stop after N records\n"
	"  -t SECONDS        stop after that time\n"
	"  -r FILE           read a capture (pcapng, pcap, text trace) instead; - is stdin\n"
	"  -w FILE           write the capture as pcapng, for -r and Wireshark; - is stdout\n"
	"  -C SIZE, -G TIME  go on in the next file then;  -W COUNT  of so many, in turn (to 8)\n"
	"  --snaplen BYTES   copy at most this much of each read\n"
	"  --ring-size SIZE  of the buffer between kernel and spf (default 16M)\n"
	"  --early           show bytes when they are written, not when they are read (to 6.16)\n"
	"  --backend NAME    how to capture, instead of the best way that works (see --doctor)\n"
	"  --window TIME     how long an unread write may hold back others (default 100ms)\n"
	"  --user NAME       whom to become before reading scripts and traffic\n"
	"Limits of scripts\n"
	"  --script-timeout TIME, --script-memory SIZE, --no-jit, --strict, --unsafe\n"
	"  --watch           start again whenever a script's file changes\n"
	"Other\n"
	"  --list WHAT       scripts, fields, kinds or sockets\n"
	"  --info NAME       what a script does and takes\n"
	"  --check FILE      check a script without running it\n"
	"  --test [NAME…]    run scripts on captures and compare with the NAME.golden beside them\n"
	"  --doctor          what this kernel and these rights let spf see\n"
	"  -h, --help        this text;  -V, --version\n";

enum {
	OPT_BEGIN = 256, OPT_END, OPT_INTERVAL, OPT_COLOR, OPT_SNAPLEN, OPT_RING, OPT_WINDOW, OPT_USER,
	OPT_TIMEOUT, OPT_MEMORY, OPT_NO_JIT, OPT_STRICT, OPT_UNSAFE, OPT_LIST, OPT_INFO, OPT_CHECK,
	OPT_TEST, OPT_WATCH,
	OPT_SCRIPT_DIR, OPT_COMM, OPT_UID, OPT_CGROUP, OPT_FOLLOW, OPT_BACKEND, OPT_EARLY, OPT_DOCTOR,
};

static const char shorts[] = ":s:a:e:f:k:F:T:jxAo:qvc:t:r:w:C:G:W:p:hV";

static const struct option longs[] = {
	{ "script", required_argument, NULL, 's' },
	{ "arg", required_argument, NULL, 'a' },
	{ "begin", required_argument, NULL, OPT_BEGIN },
	{ "end", required_argument, NULL, OPT_END },
	{ "interval", required_argument, NULL, OPT_INTERVAL },
	{ "color", required_argument, NULL, OPT_COLOR },
	{ "snaplen", required_argument, NULL, OPT_SNAPLEN },
	{ "ring-size", required_argument, NULL, OPT_RING },
	{ "window", required_argument, NULL, OPT_WINDOW },
	{ "user", required_argument, NULL, OPT_USER },
	{ "script-timeout", required_argument, NULL, OPT_TIMEOUT },
	{ "script-memory", required_argument, NULL, OPT_MEMORY },
	{ "script-dir", required_argument, NULL, OPT_SCRIPT_DIR },
	{ "comm", required_argument, NULL, OPT_COMM },
	{ "uid", required_argument, NULL, OPT_UID },
	{ "cgroup", required_argument, NULL, OPT_CGROUP },
	{ "follow", no_argument, NULL, OPT_FOLLOW },
	{ "pid", required_argument, NULL, 'p' },
	{ "backend", required_argument, NULL, OPT_BACKEND },
	{ "early", no_argument, NULL, OPT_EARLY },
	{ "doctor", no_argument, NULL, OPT_DOCTOR },
	{ "no-jit", no_argument, NULL, OPT_NO_JIT },
	{ "strict", no_argument, NULL, OPT_STRICT },
	{ "watch", no_argument, NULL, OPT_WATCH },
	{ "unsafe", no_argument, NULL, OPT_UNSAFE },
	{ "list", required_argument, NULL, OPT_LIST },
	{ "info", required_argument, NULL, OPT_INFO },
	{ "check", required_argument, NULL, OPT_CHECK },
	{ "test", no_argument, NULL, OPT_TEST },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 },
};

/* ---- values ---- */

static bool parse_count(const char *s, uint64_t *v)
{
	char *end;

	errno = 0;
	*v = strtoull(s, &end, 10);
	return *s >= '0' && *s <= '9' && !*end && !errno && *v > 0;
}

/* "1.5", "500ms", "2s", "1m": seconds without a unit. */
static bool parse_time(const char *s, int64_t *ns)
{
	static const struct { const char *unit; double ns; } units[] = {
		{ "", 1e9 }, { "s", 1e9 }, { "ms", 1e6 }, { "us", 1e3 }, { "m", 60e9 }, { "h", 3600e9 },
	};
	char *end;
	double v = strtod(s, &end);

	if (end == s || !(v > 0) || v > 1e9)
		return false;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (!strcmp(end, units[i].unit)) {
			*ns = (int64_t)(v * units[i].ns);
			return *ns > 0;
		}
	return false;
}

/* "4096", "64K", "16M", "1G" */
static bool parse_size(const char *s, uint64_t *v)
{
	static const char units[] = "KMG";
	const char *unit;
	char *end;

	errno = 0;
	*v = strtoull(s, &end, 10);
	if (*s < '0' || *s > '9' || errno || *v > (1ull << 40))
		return false;
	if (*end && !end[1]) {
		unit = strchr(units, *end >= 'a' ? *end - 'a' + 'A' : *end);
		if (!unit)
			return false;
		*v <<= 10 * (unit - units + 1);
		end++;
	}
	return !*end && *v > 0;
}

static bool parse_kinds(const char *s, uint32_t *kinds, char **bad)
{
	char *copy = xstrdup(s), *rest = copy, *t;

	*kinds = 0;
	while ((t = strsep(&rest, ","))) {
		uint32_t k = 0;

		while (k < KIND_COUNT && strcmp(t, kind_name(k)))
			k++;
		if (k == KIND_COUNT) {
			*bad = xstrdup(t);
			free(copy);
			return false;
		}
		*kinds |= 1u << k;
	}
	free(copy);
	return true;
}

static bool parse_format(const char *s, enum sink_format *format)
{
	static const char *const names[] = {
		[SINK_TEXT] = "text", [SINK_JSON] = "json", [SINK_CSV] = "csv",
		[SINK_TSV] = "tsv", [SINK_RAW] = "raw",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(s, names[i])) {
			*format = (enum sink_format)i;
			return true;
		}
	return false;
}

static bool parse_color(const char *s, struct options *o)
{
	if (!strcmp(s, "auto"))
		o->color = COLOR_AUTO;
	else if (!strcmp(s, "always"))
		o->color = COLOR_ALWAYS;
	else if (!strcmp(s, "never"))
		o->color = COLOR_NEVER;
	else
		return false;
	return true;
}

static bool is_number(const char *s)
{
	return *s && strspn(s, "0123456789") == strlen(s);
}

/* ---- options ---- */

static char *unknown_option(const char *typed)
{
	struct near best = { NULL, 0 };

	for (const struct option *o = longs; o->name; o++)
		near_offer(&best, typed + 2, o->name);
	if (best.name)
		return xasprintf("unknown option %s; did you mean --%s?", typed, best.name);
	return xasprintf("unknown option %s; spf --help lists them", typed);
}

static char *add_script(struct options *o, char what, const char *text)
{
	struct options_script *s;

	if (!text[strspn(text, " \t\n")])
		return xasprintf("-%c wants %s", what, what == 's' ? "a script's name or file" : "Lua code");
	if (what == 's' && is_number(text))
		return xasprintf("-s %s is not a script; to copy fewer bytes use --snaplen %s", text,
				 text);
	if (o->script_cnt == OPTIONS_SCRIPTS)
		return xasprintf("more than %d scripts and expressions", OPTIONS_SCRIPTS);
	s = &o->script[o->script_cnt++];
	s->what = what;
	s->text = text;
	return NULL;
}

static char *add_arg(struct options *o, const char *arg)
{
	struct options_script *s = o->script_cnt ? &o->script[o->script_cnt - 1] : NULL;

	if (!s || s->what != 's')
		return xasprintf("-a %s belongs to no script: it stands after its -s", arg);
	if (!strchr(arg, '=') || arg[0] == '=')
		return xasprintf("-a %s: an argument is KEY=VALUE", arg);
	if (s->arg_cnt == OPTIONS_ARGS)
		return xasprintf("more than %d arguments for %s", OPTIONS_ARGS, s->text);
	s->args[s->arg_cnt++] = arg;
	return NULL;
}

static char *set_kinds(struct options *o, const char *arg)
{
	char *bad, *why;

	if (parse_kinds(arg, &o->kinds, &bad))
		return NULL;
	why = xasprintf("-k %s: the kinds are chunk conn frame message http call gap",
			*bad ? bad : arg);
	free(bad);
	return why;
}

static char *set_ring(struct options *o, const char *arg)
{
	uint64_t v;

	if (!parse_size(arg, &v) || v < 4096 || v > (1u << 30) || v & (v - 1))
		return xasprintf("--ring-size %s: a power of two from 4K to 1G", arg);
	o->ring_size = v;
	return NULL;
}

static char *set_backend(struct options *o, const char *arg)
{
	for (size_t i = 0; backend_name(i); i++)
		if (!strcmp(arg, backend_name(i)))
			o->backend = arg;
	return o->backend ? NULL : xasprintf("--backend %s: spf --doctor lists them", arg);
}

static char *set_number(const char *name, const char *arg, uint64_t max, uint64_t *v)
{
	if (parse_count(arg, v) && *v <= max)
		return NULL;
	return xasprintf("%s %s: a whole number from 1 on", name, arg);
}

static char *set_time(const char *name, const char *arg, int64_t *ns)
{
	return parse_time(arg, ns) ? NULL : xasprintf("%s %s: a time such as 10, 500ms or 2m", name,
						      arg);
}

static char *set_uid(struct options *o, const char *arg)
{
	const struct passwd *pw = getpwnam(arg);

	if (pw)
		o->who.uid = (int32_t)pw->pw_uid;
	else if (is_number(arg) && strlen(arg) < 10)
		o->who.uid = atoi(arg);
	else
		return xasprintf("--uid %s: there is no such user", arg);
	return NULL;
}

/* The kernel knows 15 bytes of a name. */
static char *set_comm(struct options *o, const char *arg)
{
	if (!*arg)
		return xstrdup("--comm wants a name");
	memset(o->who.comm, 0, sizeof(o->who.comm));
	memcpy(o->who.comm, arg, strnlen(arg, sizeof(o->who.comm) - 1));
	return NULL;
}

/* The id of a cgroup is its folder's inode. */
static char *set_cgroup(struct options *o, const char *arg)
{
	static const char *const roots[] = { "", "/sys/fs/cgroup/", "/sys/fs/cgroup/unified/" };
	struct statfs fs;
	struct stat st;
	uint64_t id;

	if (!*arg)
		return xstrdup("--cgroup wants a path or an id");
	if (parse_count(arg, &id)) {
		o->who.cgroup = id;
		return NULL;
	}
	for (size_t i = 0; i < sizeof(roots) / sizeof(roots[0]); i++) {
		char *path = xasprintf("%s%s", roots[i], arg);
		bool is_cgroup = !stat(path, &st) && !statfs(path, &fs) &&
				 fs.f_type == CGROUP2_SUPER_MAGIC;

		free(path);
		if (!is_cgroup)
			continue;
		o->who.cgroup = st.st_ino;
		return NULL;
	}
	return xasprintf("--cgroup %s: there is no such cgroup (version 2) in /sys/fs/cgroup", arg);
}

static char *set_action(struct options *o, int action, const char *arg)
{
	o->action = action;
	o->action_arg = arg;
	return NULL;
}

static char *bad_value(const char *name, const char *arg, const char *choice)
{
	return xasprintf("%s %s: %s", name, arg, choice);
}

static char *set_long(struct options *o, int opt, const char *arg)
{
	uint64_t v = 0;
	char *why = NULL;

	switch (opt) {
	case OPT_BEGIN: o->begin = arg; break;
	case OPT_END: o->end = arg; break;
	case OPT_USER: o->user = arg; break;
	case OPT_SCRIPT_DIR: o->script_dir = arg; break;
	case OPT_COMM: return set_comm(o, arg);
	case OPT_CGROUP: return set_cgroup(o, arg);
	case OPT_FOLLOW: o->who.follows = 1; break;
	case OPT_UID: return set_uid(o, arg);
	case OPT_NO_JIT: o->no_jit = true; break;
	case OPT_STRICT: o->strict = true; break;
	case OPT_WATCH: o->watch = true; break;
	case OPT_UNSAFE: o->unsafe = true; break;
	case OPT_INTERVAL: return set_time("--interval", arg, &o->interval_ns);
	case OPT_WINDOW: return set_time("--window", arg, &o->window_ns);
	case OPT_TIMEOUT: return set_time("--script-timeout", arg, &o->timeout_ns);
	case OPT_RING: return set_ring(o, arg);
	case OPT_EARLY: o->early = true; return NULL;
	case OPT_BACKEND: return set_backend(o, arg);
	case OPT_DOCTOR: return set_action(o, ACTION_DOCTOR, NULL);
	case OPT_LIST: return set_action(o, ACTION_LIST, arg);
	case OPT_INFO: return set_action(o, ACTION_INFO, arg);
	case OPT_CHECK: return set_action(o, ACTION_CHECK, arg);
	case OPT_TEST: return set_action(o, ACTION_TEST, NULL);
	case OPT_COLOR:
		return parse_color(arg, o) ? NULL : bad_value("--color", arg, "auto, always or never");
	case OPT_SNAPLEN:
		why = set_number("--snaplen", arg, UINT32_MAX, &v);
		o->snaplen = (uint32_t)v;
		break;
	case OPT_MEMORY:
		if (!parse_size(arg, &v))
			return bad_value("--script-memory", arg, "a size such as 256M");
		o->memory_max = v;
		break;
	}
	return why;
}

static char *set_short(struct options *o, int opt, const char *arg)
{
	char *why = NULL;
	uint64_t v = 0;

	switch (opt) {
	case 's': case 'e': case 'f': return add_script(o, (char)opt, arg);
	case 'a': return add_arg(o, arg);
	case 'k': return set_kinds(o, arg);
	case 't': return set_time("-t", arg, &o->duration_ns);
	case 'F': o->columns = arg; break;
	case 'j': o->format = SINK_JSON; break;
	case 'x': o->hexdump = true; break;
	case 'A': o->ascii = true; break;
	case 'q': o->quiet = true; break;
	case 'v': o->verbose = true; break;
	case 'o': o->out_file = arg; break;
	case 'r': o->read_file = arg; break;
	case 'w': o->write_file = arg; break;
	case 'p':
		why = set_number("-p", arg, INT32_MAX, &v);
		o->who.pid = (int32_t)v;
		break;
	case 'G': return set_time("-G", arg, &o->file_time_ns);
	case 'W': return set_number("-W", arg, OPTIONS_FILES, &o->file_cnt);
	case 'C':
		if (!parse_size(arg, &o->file_size))
			return bad_value("-C", arg, "a size such as 64M");
		break;
	case 'h': return set_action(o, ACTION_HELP, NULL);
	case 'V': return set_action(o, ACTION_VERSION, NULL);
	case 'c':
		why = set_number("-c", arg, UINT64_MAX, &o->count);
		break;
	case 'T':
		if (!parse_format(arg, &o->format))
			return bad_value("-T", arg, "text, json, csv, tsv or raw");
		break;
	}
	return why;
}

/* Options that make sense only with others. */
/* What --watch needs, and what would be lost when it starts again. */
static char *check_watch(const struct options *o)
{
	bool has_script = false;

	for (size_t i = 0; i < o->script_cnt; i++)
		has_script |= o->script[i].what == 's';
	if (!o->watch)
		return NULL;
	if (!has_script)
		return xstrdup("--watch wants -s: a script whose file may change");
	if (o->write_file || o->out_file)
		return xstrdup("--watch starts the capture again: -w and -o would begin anew each time");
	if (o->read_file && !strcmp(o->read_file, "-"))
		return xstrdup("--watch cannot read -r - twice");
	return NULL;
}

static char *check_together(const struct options *o)
{
	bool rotates = o->file_size || o->file_time_ns;

	if (o->who.follows && !o->who.pid)
		return xstrdup("--follow wants -p: whose children to follow");
	if (o->who.follows && o->read_file)
		return xstrdup("--follow: a capture does not tell who started whom");
	if (!o->write_file && (rotates || o->file_cnt > 1))
		return xstrdup("-C, -G and -W are about the file of -w");
	if (o->file_cnt > 1 && !rotates)
		return xstrdup("-W wants -C or -G: when to go on in the next file");
	if (rotates && o->file_cnt < 2)
		return xstrdup("-C and -G want -W: how many files are used in turn (2 to 8)");
	if (o->write_file && !strcmp(o->write_file, "-") && rotates)
		return xstrdup("-w - writes to one pipe: -C, -G and -W do not go with it");
	return check_watch(o);
}

int options_parse(struct options *o, int argc, char **argv, char **why)
{
	int opt;

	*o = (struct options){
		.ring_size = 16u << 20,
		.window_ns = 100000000,
		.timeout_ns = 2000000000,
		.memory_max = 256u << 20,
		.file_cnt = 1,
		.who.uid = -1,
	};
	opterr = 0;
	optind = 0; /* glibc: start afresh */
	*why = NULL;
	while ((opt = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		if (opt == '?' && optopt && optopt < 256)
			*why = xasprintf("unknown option -%c; spf --help lists them", optopt);
		else if (opt == '?')
			*why = unknown_option(argv[optind - 1]);
		else if (opt == ':')
			*why = xasprintf("%s wants a value; see spf --help", argv[optind - 1]);
		else
			*why = opt < 256 ? set_short(o, opt, optarg) : set_long(o, opt, optarg);
		if (*why)
			return -EINVAL;
	}
	o->targets = argv + optind;
	o->who.is_asked = o->who.pid || o->who.uid >= 0 || o->who.cgroup || o->who.comm[0];
	*why = check_together(o);
	if (!*why && o->read_file && *o->targets)
		*why = xasprintf("%s: -r reads a file; select in it with -f 'addr == \"…\"'",
				 *o->targets);
	return *why ? -EINVAL : 0;
}
