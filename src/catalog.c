/* SPDX-License-Identifier: BSD-2-Clause */
#include "catalog.h"

#include <dirent.h>
#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "capture/sockets.h"
#include "decode/fields.h"
#include "find.h"
#include "golden.h"
#include "listing.h"
#include "sandbox.h"
#include "script/header.h"
#include "script/script.h"
#include "sink/sink.h"
#include "util/log.h"
#include "util/xalloc.h"

/* A script's header is somebody else's text: root finds and reads it, as for -s, but does not
 * parse it. */
static void become_user(const struct options *o)
{
	struct sandbox_user user;
	const char *why;

	if (geteuid() != 0)
		return;
	if (sandbox_target_user(o->user, &user, &why))
		die(EXIT_USAGE, "--user: %s", why);
	if (setgroups(0, NULL) || setresgid(user.gid, user.gid, user.gid) ||
	    setresuid(user.uid, user.uid, user.uid))
		die(EXIT_RUN, "cannot give up privileges: %s", strerror(errno));
}

static bool read_file(const char *path, struct buf *out)
{
	struct stat st;
	FILE *f;
	size_t n;

	if (stat(path, &st))
		return false;
	if (!S_ISREG(st.st_mode)) { /* a device may have no end, a pipe no beginning */
		errno = S_ISDIR(st.st_mode) ? EISDIR : EINVAL;
		return false;
	}
	f = fopen(path, "r");
	if (!f)
		return false;
	while ((n = fread(buf_reserve(out, 65536), 1, 65536, f)) > 0)
		buf_added(out, n);
	fclose(f);
	return true;
}

struct listed {
	char *file;
	struct buf text;
	int error; /* of reading it */
};

static void list_script(struct listed *s, struct buf *out)
{
	struct script_header h = { 0 };
	char *why = NULL, *name = xstrdup(s->file);

	*strrchr(name, '.') = '\0';
	if (s->error)
		buf_printf(out, "%-20s (cannot be read: %s)\n", name, strerror(s->error));
	else if (header_parse(buf_bytes(&s->text), s->file, &h, &why))
		buf_printf(out, "%-20s (%s)\n", name, why);
	else
		header_list(&h, name, out);
	header_release(&h);
	free(name);
	free(why);
}

static int is_lua(const struct dirent *e)
{
	const char *dot = strrchr(e->d_name, '.');

	return dot && dot != e->d_name && !strcmp(dot, ".lua");
}

/* Adds the scripts of a folder to *list. */
static void read_folder(const char *folder, struct listed **list, size_t *cnt)
{
	struct dirent **names;
	int n = scandir(folder, &names, is_lua, alphasort);

	if (n <= 0)
		return;
	*list = xrealloc(*list, (*cnt + (size_t)n) * sizeof(**list));
	for (int i = 0; i < n; i++) {
		struct listed *s = &(*list)[(*cnt)++];
		char *path = xasprintf("%s/%s", folder, names[i]->d_name);

		*s = (struct listed){ .file = xstrdup(names[i]->d_name) };
		if (!read_file(path, &s->text))
			s->error = errno;
		free(path);
		free(names[i]);
	}
	free(names);
}

static void list_scripts(const struct options *o, struct buf *out)
{
	char **folders = find_folders(o->script_dir);
	struct listed *list = NULL;
	size_t cnt = 0;

	for (char **f = folders; *f; f++)
		read_folder(*f, &list, &cnt);
	become_user(o);
	if (!cnt)
		log_warn("there is no script in %s or any other folder for them", folders[0]);
	for (size_t i = 0; i < cnt; i++) {
		list_script(&list[i], out);
		buf_release(&list[i].text);
		free(list[i].file);
	}
	free(list);
	find_free(folders);
}

static void list_kinds_of(const struct field *f, struct buf *out)
{
	if (f->kinds == (1u << KIND_COUNT) - 1) {
		buf_puts(out, "all");
		return;
	}
	for (uint32_t k = 0, n = 0; k < KIND_COUNT; k++)
		if (f->kinds & 1u << k)
			buf_printf(out, "%s%s", n++ ? "," : "", kind_name(k));
}

static void list_fields(struct buf *out)
{
	for (uint32_t i = 0; i < fields_cnt; i++) {
		const struct field *f = &fields[i];
		struct buf kinds = { 0 };

		list_kinds_of(f, &kinds);
		buf_printf(out, "%-24s %-28.*s %s", f->name, (int)kinds.len,
			   (const char *)kinds.mem, f->meaning);
		if (*f->otel || *f->wireshark)
			buf_printf(out, "  [%s%s%s]", f->otel, *f->otel && *f->wireshark ? ", " : "",
				   f->wireshark);
		buf_putc(out, '\n');
		buf_release(&kinds);
	}
}

static void list_kinds(struct buf *out)
{
	static const char *const meaning[KIND_COUNT] = {
		[KIND_CHUNK] = "bytes of one write, before decoding",
		[KIND_CONN] = "a connection was opened, its protocol is known, it was closed",
		[KIND_FRAME] = "an HTTP/2 frame",
		[KIND_MESSAGE] = "a gRPC message",
		[KIND_HTTP] = "an HTTP/1 request or response",
		[KIND_CALL] = "a request with its response, once it has ended",
		[KIND_GAP] = "bytes that were lost or cannot be decoded",
	};

	for (uint32_t k = 0; k < KIND_COUNT; k++)
		buf_printf(out, "%-8s %s\n", kind_name(k), meaning[k]);
}

static void list_sockets(const struct options *o, struct buf *out)
{
	struct sockets s;
	int rc = sockets_read(&s);

	if (rc < 0)
		die(EXIT_RUN, "cannot list the unix sockets (sock_diag): %s", strerror(-rc));
	listing_print(&s, o->format == SINK_JSON, out);
	sockets_release(&s);
}

static void list(const struct options *o, struct buf *out)
{
	if (!strcmp(o->action_arg, "scripts"))
		list_scripts(o, out);
	else if (!strcmp(o->action_arg, "fields"))
		list_fields(out);
	else if (!strcmp(o->action_arg, "kinds"))
		list_kinds(out);
	else if (!strcmp(o->action_arg, "sockets"))
		list_sockets(o, out);
	else
		die(EXIT_USAGE, "--list %s: scripts, fields, kinds or sockets", o->action_arg);
}

/* The text of the script that the command line names; NUL-terminated. */
static void load(const struct options *o, char **path, struct buf *text)
{
	char *why;

	*path = find_script(o->action_arg, o->script_dir, &why);
	if (!*path)
		die(EXIT_USAGE, "%s", why);
	if (!read_file(*path, text))
		die(EXIT_USAGE, "cannot read script %s: %s", *path, strerror(errno));
}

static void info(const struct options *o, struct buf *out)
{
	struct script_header h = { 0 };
	struct buf text = { 0 };
	char *path, *why;

	load(o, &path, &text);
	become_user(o);
	if (header_parse(buf_bytes(&text), path, &h, &why))
		die(EXIT_USAGE, "%s", why);
	header_print(&h, o->action_arg, out);
	header_release(&h);
	buf_release(&text);
	free(path);
}

static void check(const struct options *o, struct buf *out)
{
	char *path, *why;
	struct script_source src = { .what = SCRIPT_FILE };
	struct buf text = { 0 };

	load(o, &path, &text);
	src.text = buf_bytes(&text);
	src.name = path;
	become_user(o);
	if (scripts_check(&src, &why))
		die(EXIT_USAGE, "%s", why);
	buf_printf(out, "%s is sound\n", path);
	buf_release(&text);
	free(path);
}

int catalog_main(const struct options *o)
{
	struct buf out = { 0 }, safe = { 0 };

	if (o->action == ACTION_TEST) {
		become_user(o);
		return golden_main(o);
	}
	if (o->action == ACTION_LIST)
		list(o, &out);
	else if (o->action == ACTION_INFO)
		info(o, &out);
	else
		check(o, &out);
	text_escape(&safe, buf_bytes(&out), true); /* headers and names are other people's */
	fwrite(safe.mem, 1, safe.len, stdout);
	buf_release(&safe);
	buf_release(&out);
	return EXIT_OK;
}
